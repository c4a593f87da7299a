"""Makes ``ed25519/``: which keys are refused, which signatures verify.

Uses only the curve equation in plain Python integers (RFC 8032 section 5.1), so that the vectors do
not depend on the libraries they test.
"""

from hashlib import sha512
from typing import Any

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
ROOT = pow(2, (P - 1) // 4, P)

Point = tuple[int, int]
IDENTITY: Point = (0, 1)

RFC_8032 = [
    (
        "test-1",
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        (
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e3970"
            "1cf9b46bd25bf5f0595bbe24655141438e7a100b"
        ),
    ),
    (
        "test-2",
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        (
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613"
            "d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
        ),
    ),
    (
        "test-3",
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        (
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760"
            "984dc6594a7c15e9716ed28dc027beceea1ec40a"
        ),
    ),
    (
        "test-sha-abc",
        "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
        "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
        (
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23"
            "a3feebbd454d4423643ce80e2a9ac94fa54ca49f"
        ),
        (
            "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c6"
            "6431e0303dca179c138ac17ad9bef1177331a704"
        ),
    ),
]


def x_for(y: int, sign: int) -> int | None:
    """Return the x of a point with this y and sign bit, or ``None`` if there is none."""
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if x * x % P != square:
        x = x * ROOT % P
    if x * x % P != square:
        return None
    return P - x if x & 1 != sign and x else x


def add(a: Point, b: Point) -> Point:
    """Return the sum of two points."""
    (x1, y1), (x2, y2) = a, b
    t = D * x1 * x2 * y1 * y2 % P
    x3 = (x1 * y2 + x2 * y1) * pow(1 + t, -1, P) % P
    y3 = (y1 * y2 + x1 * x2) * pow(1 - t, -1, P) % P
    return x3, y3


def multiply(k: int, point: Point) -> Point:
    """Return ``k`` times ``point``."""
    total = IDENTITY
    while k:
        if k & 1:
            total = add(total, point)
        point = add(point, point)
        k >>= 1
    return total


def encode(point: Point) -> bytes:
    """Return the 32 bytes of a point."""
    return (point[1] | (point[0] & 1) << 255).to_bytes(32, "little")


def base_point() -> Point:
    """Return the generator B of the prime-order subgroup."""
    y = 4 * pow(5, -1, P) % P
    x = x_for(y, 0)
    assert x is not None  # noqa: S101
    return x, y


def torsion() -> list[Point]:
    """Return the eight points of small order, multiples of one of order 8."""
    y = 2
    while True:
        x = x_for(y, 0)
        if x is not None:
            point = multiply(L, (x, y))
            if multiply(4, point) != IDENTITY:
                return [multiply(k, point) for k in range(8)]
        y += 1


BASE = base_point()
TORSION = torsion()


def secret_scalar(seed: bytes) -> int:
    """Return the clamped scalar of an RFC 8032 seed."""
    number = int.from_bytes(sha512(seed).digest()[:32], "little")
    return number & (1 << 254) - 8 | 1 << 254


def sign_with(a: int, public: bytes, r_bytes: bytes, r: int, message: bytes) -> bytes:
    """Return the signature (R, r + h·a) for whatever encoding of R is given."""
    h = int.from_bytes(sha512(r_bytes + public + message).digest(), "little")
    return r_bytes + ((r + h * a) % L).to_bytes(32, "little")


def bad_keys() -> list[dict[str, str]]:
    """Return public keys nobody may believe."""
    cases = []

    def bad(name: str, why: str, raw: bytes) -> None:
        cases.append({"id": name, "why": why, "publicKey": raw.hex()})

    small = {}
    for point in TORSION:
        for y in (point[1], point[1] + P):
            if y >= 1 << 255:
                continue
            for sign in (0, 1):
                small[(y | sign << 255).to_bytes(32, "little")] = y
    for number, raw in enumerate(sorted(small)):
        form = "non-canonical" if small[raw] >= P else "canonical"
        bad(f"small-order-{number}", f"small order, {form} y", raw)
    for y in range(P, 1 << 255):
        raw = y.to_bytes(32, "little")
        if raw not in small:
            bad(f"y-p-plus-{y - P}", "y is not below p", raw)
    off_curve = [y for y in range(2, 40) if x_for(y, 0) is None][:4]
    for y in off_curve:
        bad(f"off-curve-{y}", "not on the curve", y.to_bytes(32, "little"))
    honest = multiply(secret_scalar(bytes(32)), BASE)
    for number, point in enumerate(TORSION[1:], 1):
        bad(f"mixed-order-{number}", "a small-order part added", encode(add(honest, point)))
    for length in (0, 31, 33, 64):
        bad(f"length-{length}", "not 32 bytes", encode(honest)[:length].ljust(length, b"\0"))
    return cases


def bad_signatures() -> list[dict[str, str]]:
    """Return signatures that must not verify, under a good key."""
    seed = bytes(range(32))
    a = secret_scalar(seed)
    public = encode(multiply(a, BASE))
    message = b"lyrikstore"
    r = 0x1234567890ABCDEF
    r_point = multiply(r, BASE)
    good = sign_with(a, public, encode(r_point), r, message)
    s = int.from_bytes(good[32:], "little")
    cases = []

    def bad(name: str, signature: bytes, text: bytes = message) -> None:
        cases.append(
            {
                "id": name,
                "publicKey": public.hex(),
                "message": text.hex(),
                "signature": signature.hex(),
            }
        )

    for multiple in range(1, 9):
        bad(f"s-plus-{multiple}-l", good[:32] + (s + multiple * L).to_bytes(32, "little"))
    bad("s-top-bits", good[:63] + bytes([good[63] | 0xE0]))
    bad("other-message", good, message + b"\0")
    bad("empty-message", good, b"")
    bad("halves-swapped", good[32:] + good[:32])
    for length in (0, 32, 63):
        bad(f"cut-to-{length}", good[:length])
    bad("one-byte-more", good + b"\0")
    bad("twice", good + good)
    for bit in (0, 7, 128, 255, 256, 300, 511):
        flipped = int.from_bytes(good, "little") ^ 1 << bit
        bad(f"bit-{bit}", flipped.to_bytes(64, "little"))
    for number, point in enumerate(TORSION[1:], 1):
        r_bytes = encode(add(r_point, point))  # passes a cofactored check, so must fail here
        bad(f"mixed-order-r-{number}", sign_with(a, public, r_bytes, r, message))
    for number, point in enumerate(TORSION):
        bad(f"small-order-r-{number}", sign_with(a, public, encode(point), 0, message))
    special = {"0": 0, "1": 1, "l-1": L - 1, "l": L, "p-1": P - 1, "p": P, "max": 2**256 - 1}
    for r_name, r_value in special.items():
        for s_name, s_value in special.items():
            signature = r_value.to_bytes(32, "little") + s_value.to_bytes(32, "little")
            bad(f"special-r-{r_name}-s-{s_name}", signature)
    return cases


def make() -> dict[str, Any]:
    """Return file name → content."""
    good = [
        {
            "id": name,
            "source": "RFC 8032 section 7.1",
            "seed": seed,
            "publicKey": public,
            "message": message,
            "signature": signature,
        }
        for name, seed, public, message, signature in RFC_8032
    ]
    return {
        "ed25519/sign.json": {"cases": good},
        "ed25519/bad-keys.json": {
            "note": "Under the identity, the key 0100…00, R = 0100…00 and S = 0 fit every message.",
            "universalForgery": (IDENTITY[1].to_bytes(32, "little") + bytes(32)).hex(),
            "cases": bad_keys(),
        },
        "ed25519/bad-signatures.json": {"cases": bad_signatures()},
    }
