"""Streets with number, units, post office boxes, towns beside a state or a code, ZIP codes."""

import re
from collections.abc import Iterator

from lyrikstore.curate.personal.recognisers.german import is_no_name, name_end
from lyrikstore.curate.personal.recognisers.marks import Mark

_KIND = (
    r"(?:Street|St|Avenue|Ave|Av|Road|Rd|Boulevard|Blvd|Drive|Dr|Lane|Ln|Court|Ct|Place|Pl|Plaza|Plz"
    r"|Square|Sq|Terrace|Ter|Terr|Parkway|Pkwy|Circle|Cir|Highway|Hwy|Way|Trail|Trl|Turnpike|Tpke|Pike"
    r"|Alley|Row|Walk|Crescent|Cres|Close|Mews|Gardens|Grove|Hill|Quay|Wharf|Loop|Path|Crossing|Xing"
    r"|Run|Ridge|Point|Pt|Landing|Bend|Cove|Freeway|Fwy|Expressway|Expy|Esplanade|Promenade|Broadway"
    r"|STREET|AVENUE|AVE|ROAD|RD|BOULEVARD|BLVD|DRIVE|LANE|COURT|PLACE|TERRACE|PARKWAY|HIGHWAY|WAY)"
)
_NAME = r"(?:[A-Z0-9\u00c0-\u00de][\w'\u2019.-]{0,24}|of|the|de|la|del)"
_UNIT = (
    r"(?:,?\s{1,2}(?:(?i:apt|apartment|suite|ste|unit|floor|fl|room|rm|bldg|building|flat"
    r"|level|po box"
    r"|p\.o\. box|lot|space|trailer|dept|penthouse|ph)\.?\s?\#?\s?[A-Z0-9-]{1,6}"
    r"|(?:\d{1,3}(?:st|nd|rd|th) (?i:floor))|\#\s?[A-Z0-9-]{1,6})(?![^\W_])){0,3}"
)
_STREET = re.compile(
    r"(?<![\w.,/$-])(?:\d{1,6}[A-Z]?|One|Two)(?:[-/]\d{1,5})?(?: 1/2)?,? "
    r"(?:[NSEW]{1,2}\.? |(?:North|South|East"
    rf"|West|Upper|Lower)\w{{0,4}} )?(?:{_NAME} ){{1,5}}{_KIND}(?![^\W_])\.?(?: "
    r"(?:[NSEW]{1,2}|North|South|East"
    rf"|West|Northwest|Northeast|Southwest|Southeast)(?![^\W_])\.?)?{_UNIT}"
)
_NUMBERED = re.compile(
    r"(?<![\w.,/$-])\d{1,6}[A-Z]? (?:(?:Avenue|Rue|Via|Calle|Avenida|Highway|Route"
    r"|County Road|State Road|US"
    r"|Hwy|FM|Rte)\.? [A-Z0-9][\w'-]{0,20}(?: [A-Z0-9][\w'-]{0,20}){0,2}|Broadway|Park Avenue)"
    rf"{_UNIT}(?![^\W_])"
)
_GERMAN_NUMBER = r"\d{1,4} ?[a-z]?(?:\s?[-/\u2013]\s?\d{1,4} ?[a-z]?)?(?!\w)"
_GERMAN = re.compile(
    r"(?<![^\W_])(?!(?:Bundes|Landes|Kreis|Staats)stra)"
    r"[A-Z\u00c4\u00d6\u00dc][\w.\u00df-]{1,30}(?:stra(?:\u00dfe|sse)|str\.|weg|platz|allee|gasse|chaussee"
    r"|promenade|ring|damm|ufer|steig|pfad|graben|br(?:\u00fc|ue)cke|[ -]Stra(?:\u00dfe|sse)"
    rf"|[ -](?:Str\.|Weg|Platz|Allee|Gasse|Ring|Damm|Ufer)) {_GERMAN_NUMBER}"
)
# Any street before a code and a town: "Am Alten Markt 3, 70173 Stuttgart".
_GERMAN_LINE = re.compile(
    r"(?<![^\W_])(?:[A-Z\u00c4\u00d6\u00dc][\w.-]{1,30} "
    r"(?:(?:der|dem|den|des|am|zum|zur|\d{1,2}\.) )?){0,3}"
    rf"[A-Z\u00c4\u00d6\u00dc][\w.-]{{1,30}} {_GERMAN_NUMBER}"
    r"(?=,?\s{1,2}(?:(?:D-)?\d{5}|(?:A|CH)-\d{4}) [A-Z\u00c4\u00d6\u00dc][a-z\u00e4\u00f6\u00fc])"
)
_FRENCH = re.compile(
    r"(?<![\w.,/-])\d{1,4}(?: bis| ter)?,? (?:rue|avenue|boulevard|bd|place|chemin|all\u00e9e|quai"
    r"|impasse|cours|route|via|calle|viale|piazza)(?: (?:de|du|des|la|le|les|l'|d'|del|della)){0,2}"
    r"(?: ?[A-Z\u00c0-\u00de][\w'\u2019-]{1,24}){1,4}"
)
_BOX = re.compile(
    r"(?<![^\W_])(?:P\.? ?O\.? ?Box|Post Office Box|PO Drawer|Postfach|Apartado|PMB|RR|PSC"
    r"|Unit|CMR)"
    r"\s?\#?\s?\d{1,6}(?:,? (?:Box|Apt\.?|Suite)\s\d{1,6})?(?![\w-])"
)
_STREET_ALONE = re.compile(
    r"(?<![\w.])(?:[A-Z][\w'\u2019.-]{1,20} ){1,3}(?:Street|Avenue|Boulevard|Road|Lane|Parkway"
    r"|Court street)"
    r"(?![^\W_])(?! [A-Z])"
)
_NAMED = re.compile(
    r"(?<![^\W_])(?i:address(?: is|:)|residing at|resides at|reside at|resided at|lives at"
    r"|lived at|lives alone at"
    r"|living at|located at|served at|property at|office is at|delivered to|resident at"
    r"|domiciled at)"
    r"[\s:]{1,3}(?P<street>(?:[^\W\d_][\w'\u2019.-]{0,24}\s){1,5}\d{1,5}[A-Za-z]?(?!\w))"
)
_UNIT_ALONE = re.compile(
    r"(?<![^\W_])(?:Apt\.?|Apartment|Suite|Ste\.?)\s?\#?\s?(?:\d{1,5}[A-Z]?|[A-Z]\d{0,4})(?![\w-])"
)
_MILITARY = re.compile(
    r"(?<![^\W_])(?:APO|FPO|DPO),? (?:AA|AE|AP) (?P<zip>\d{5}(?:-\d{4})?)(?![\w-])"
)

_STATES = (
    r"(?:A[LKZR]|C[AOT]|D[EC]|FL|G[AU]|HI|I[DLNA]|K[SY]|LA|M[EDAINSOTHP]|N[EVHJMYCD]|O[HKR]|P[AWR]"
    r"|RI|S[CD]|T[NX]|UT|V[TAI]|W[AVIY]|AS|FM"
    r"|Alabama|Alaska|Arizona|Arkansas|California|Colorado|Connecticut|Delaware|Florida|Georgia|Hawaii"
    r"|Idaho|Illinois|Indiana|Iowa|Kansas|Kentucky|Louisiana|Maine|Maryland|Massachusetts|Michigan"
    r"|Minnesota|Mississippi|Missouri|Montana|Nebraska|Nevada|New Hampshire|New Jersey|New Mexico"
    r"|New York|North Carolina|North Dakota|Ohio|Oklahoma|Oregon|Pennsylvania|Rhode Island"
    r"|South Carolina|South Dakota|Tennessee|Texas|Utah|Vermont|Virginia|Washington|West Virginia"
    r"|Wisconsin|Wyoming|D\.C\.|Puerto Rico)"
)
_TOWN = (
    r"[A-Z\u00c0-\u00de][\w\u00c0-\u017f'\u2019.-]{1,24}(?: "
    r"(?:[A-Z\u00c0-\u00de][\w'\u2019.-]{1,24}|of|the|de|la|on|upon|am|an|der)){0,3}"
)
_ZIP = r"\d{5}(?:[-\u2013]\d{4})?"
_STATE_ZIP = re.compile(rf"(?<![^\W_]){_STATES}(?:[ \t]?,)?[\s.]{{1,3}}(?P<zip>{_ZIP})(?![\w-])")
_ZIP_PLUS = re.compile(r"(?<![\w.,$/-])(?P<zip>\d{5}-\d{4})(?![\w/-])")
_ZIP_LABEL = re.compile(
    r"(?<![^\W_])(?:zip|zip ?code|postal ?code|post ?code|plz)(?:[\s:#]|(?<![^\W_])(?:is|of|code)"
    r"(?![^\W_])){1,4}(?P<zip>\d{4,5}(?:-\d{4})?|[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2})(?![\w-])",
    re.IGNORECASE,
)
_BRITISH = re.compile(
    r"(?<![\w-])(?:GIR 0AA|[A-PR-UWYZ][A-HK-Y]?\d[A-Z\d]? \d[ABD-HJLNP-UW-Z]{2})(?![\w-])"
)
_CANADIAN = re.compile(r"(?<![\w-])[ABCEGHJ-NPRSTVXY]\d[A-Z][ -]?\d[A-Z]\d(?![\w-])")
_GERMAN_TOWN = (  # the nouns that may be in "more" are cut off later
    r"(?P<town>(?:(?:Bad|Sankt|St\.) )?[A-Z\u00c0-\u00de][\w\u00c0-\u017f-]{2,24}"
    r"(?: (?:am|an der|im|in der|bei|ob der|vor der) [A-Z\u00c0-\u00de]\w{1,24})?)"
    r"(?P<more>(?: [A-Z\u00c0-\u00de][\w\u00c0-\u017f-]{2,24}){0,2})(?![^\W_])"
)
_CONTINENTAL = re.compile(
    r"(?:(?<=\d)|(?<=\d[a-z])|(?<=[a-z\u00e9]))(?:,\s?|\s?\n\s?| )(?P<zip>(?:[A-Z]{1,2}-)?\d{4,5}) "
    rf"{_GERMAN_TOWN}"
)
# Without a street: behind a comma, at the beginning of a line, or with the sign of the country.
_CODE_TOWN = re.compile(
    r"(?:(?<=, )|(?<= in )|(?<=\n)|\A|(?<![^\W_])(?:(?:D|A|CH)-"
    r"|(?i:plz|ort|wohnort)[ :/]{1,3}(?:(?i:ort)[ :]{1,2})?))"
    rf"(?P<zip>\d{{3}}[1-9]\d|\d{{4}}[1-9]) {_GERMAN_TOWN}"
)
_GERMAN_LIVES = re.compile(
    r"(?<![^\W_])(?:(?i:wohnhaft|wohnt|wohnte|lebt|lebte|geboren|geb\.|verstorben|ans\u00e4ssig"
    r"|ausgestellt|(?:amts|wohn)sitz|filiale)(?: [^,;:\n]{2,24}?)? (?:in|aus)"
    rf"|(?i:(?:geburts|wohn)?ort\s?:?|filiale)) {_GERMAN_TOWN}"
)
_GERMAN_BORN = re.compile(
    rf"(?<![^\W_])in {_GERMAN_TOWN}(?= (?:geboren|verstorben|gestorben|wohnhaft|ans\u00e4ssig))"
)
_TOWN_STATE = re.compile(rf"(?<!\w)(?P<town>{_TOWN}),\s{{1,2}}{_STATES}(?![^\W_])(?=[\s,.;)]|$)")
_AFTER_STREET = re.compile(
    rf"[,\n]\s{{0,2}}(?P<town>{_TOWN})(?=,|\s{{0,4}}\n|\s\d{{5}}|\s{_STATES}(?![^\W_])"
    r"|\.?\s{0,4}\Z|\.\s)"
    r"(?:\s(?P<zip>\d{5}(?:-\d{4})?)(?![\w-]))?"
)
_LIVES = re.compile(
    r"(?<![^\W_])(?i:lives|lived|living|resides|resided|residing|resident|residents|born"
    r"|grew up|raised|hometown"
    r"|moved|relocated|city|town|birthplace)(?: (?i:in|to|of|at|is)|:) "
    r"(?P<town>[A-Z\u00c0-\u00de][\w'\u2019-]{2,24}(?: [A-Z\u00c0-\u00de][\w'\u2019-]{2,24}){0,2})"
)


def find_addresses(text: str) -> Iterator[Mark]:
    """Yield street lines and boxes as ``address``, towns as ``location``, codes as ``zip``."""
    for pattern in (
        _STREET,
        _NUMBERED,
        _GERMAN,
        _GERMAN_LINE,
        _FRENCH,
        _BOX,
        _STREET_ALONE,
        _UNIT_ALONE,
        _NAMED,
    ):
        for found in pattern.finditer(text):
            yield (
                found.start("street") if pattern is _NAMED else found.start(),
                found.end(),
                "address",
            )
            town = _AFTER_STREET.match(text, found.end())
            if town is not None:
                yield *town.span("town"), "location"
                if town["zip"] is not None:
                    yield *town.span("zip"), "zip"
            code = _CONTINENTAL.match(text, found.end())
            if code is not None:
                yield *code.span("zip"), "zip"
                yield code.start("town"), _town_end(text, code), "location"
    for found in _MILITARY.finditer(text):
        yield found.start(), found.start("zip") - 1, "address"
        yield *found.span("zip"), "zip"
    for pattern in (_STATE_ZIP, _ZIP_PLUS, _ZIP_LABEL):
        for found in pattern.finditer(text):
            yield *found.span("zip"), "zip"
    for pattern in (_BRITISH, _CANADIAN):
        for found in pattern.finditer(text):
            yield found.start(), found.end(), "zip"
    for pattern in (_CODE_TOWN, _GERMAN_LIVES, _GERMAN_BORN):
        for found in pattern.finditer(text):
            if is_no_name(found["town"].partition(" ")[0]):  # "in 12345 F\u00e4llen"
                continue
            yield found.start("town"), _town_end(text, found), "location"
            if pattern is _CODE_TOWN:
                yield *found.span("zip"), "zip"
    for pattern in (_TOWN_STATE, _LIVES):
        for found in pattern.finditer(text):
            if not found["town"].isupper():  # "NEGLIGENCE, OR" is no town in Oregon
                yield *found.span("town"), "location"


def _town_end(text: str, found: re.Match[str]) -> int:
    return max(found.end("town"), name_end(text, *found.span("more")))
