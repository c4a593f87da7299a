"""Names of people, recognised by a title, a label or a degree, without a list of names."""

import re
from collections.abc import Iterable, Iterator

from lyrikstore.curate.personal.recognisers.german import Languages, name_end
from lyrikstore.curate.personal.recognisers.marks import Mark

_WORD = r"[A-Z\u00c0-\u00de](?:['\u2019][A-Z])?[\w]{1,24}"
_PART = rf"(?:{_WORD}(?:-{_WORD}){{0,2}}|[A-Z]\.(?:[A-Z]\.)?|[A-Z](?=\s[A-Z]))"
_PARTICLE = r"(?:(?:van|von|der|den|de|la|del|della|di|da|dos|le|du|bin|al|el|ter|ten|zu|y)\s)"
_NAME = (
    rf"(?:{_PARTICLE}{{0,2}}{_PART}(?:\s{_PARTICLE}{{0,2}}{_PART}){{0,3}}(?:,?\s(?:Jr|Sr"
    r"|II|III|IV)\.?(?![^\W_]))?)"
)
_TWO = rf"(?:{_PART}(?:\s{_PARTICLE}{{0,2}}{_PART}){{1,3}})"

_TITLE = re.compile(
    r"(?<![^\W_])(?:(?:Mr|Mrs|Ms|Mx|Miss|Dr|Prof|Professor|Doctor|Judge|Justice|Magistrate|Sir|Lady|Dame|Hon"
    r"|Honorable|Rev|Reverend|Fr|Father|Sgt|Sergeant|Capt|Captain|Lt|Lieutenant|Col|Colonel|Gen|Maj|Cpl"
    r"|Det|Detective|Officer|Nurse|Attorney|Senator|Sen|Rep|Governor|Mme|Mlle|Madame|Monsieur"
    r"|Signor|Signora|Se\u00f1or|Se\u00f1ora|Sr|Sra|MR|MRS|DR)\b\.?\s{1,2}){1,3}"
    rf"(?P<name>{_NAME})"
)
_LABEL = re.compile(
    r"(?<![^\W_])(?i:(?:patient|full|first|last|given|family|maiden|legal|client|insured|member|employee"
    r"|customer|subscriber|policyholder|contact|doctor|physician|provider|nurse"
    r"|emergency contact|spouse"
    r"|guarantor|account holder|cardholder|next of kin|beneficiary|witness|debtor|tenant|landlord"
    r"|buyer|seller|borrower|guardian|mother|father|plaintiff|defendant|petitioner|respondent|appellant)(?:['\u2019]s)?"
    r"\s)?(?i:names?|surname|forename|nachname|vorname|nom)\s?(?i:is\s|:|=|-)\s{0,3}"
    rf"(?P<name>{_NAME})"
)
_ROLE = re.compile(
    r"(?<![^\W_])(?i:patient|pt|physician|attending|attending physician|surgeon|provider|nurse|pcp"
    r"|referring|referring physician|ordering physician|radiologist|pathologist|anesthesiologist"
    r"|dictated by|signed by|reviewed by|prepared by|reported by|seen by|electronically signed by"
    r"|witness|attorney|counsel|plaintiff|defendant|judge|before|author|emergency contact"
    r"|next of kin"
    r"|spouse|guardian|attention|attn|cc|from|to|by|signature|dear|insured|employee|borrower|contact"
    r"|holder|cardholder|caller|client|customer|tenant|landlord|trustee|executor)\s?[:=]\s{0,3}"
    rf"(?:/s/\s?)?(?P<name>{_TWO})"
)
_DEAR = re.compile(
    r"(?<![^\W_])(?:Dear|Hi|Hello|Hey|Sincerely|Regards|Best regards|Yours truly"
    rf"|Thanks),?\s{{1,3}}(?P<name>{_NAME})"
)
_PARTY = re.compile(
    r"(?<![^\W_])(?i:plaintiff|defendant|tenant|landlord|patient|pt|witness|appellant|appellee|petitioner|respondent"
    r"|claimant|attorney|nurse|rn|trustee|adjuster|physician|notary|borrower|employee|student|subscriber|debtor"
    r"|guarantor|mother|father|daughter|son|wife|husband|brother|sister|grandmother|grandfather|aunt|uncle"
    r"|in the name of|issued to|treated by|seen by|signed by|call with|served on|referred by"
    r"|prescribed by"
    rf"|accompanied by|represented by),?\s(?P<name>{_TWO})"
)
_MAILBOX = re.compile(rf"(?<![^\W_])(?P<name>{_TWO}) <[\w.+-]{{1,64}}@")
_SELF = re.compile(
    r"(?<![^\W_])(?:(?i:my name is|name['\u2019]?s|i am|i['\u2019]m|this is"
    r"|a patient named)\s|named\s|/s/\s{0,2})"
    rf"(?P<name>{_TWO})"
)
_SELF_ONE = re.compile(rf"(?<![^\W_])(?i:my name is|my name['\u2019]s|call me)\s(?P<name>{_NAME})")
_DEGREE = re.compile(
    rf"(?<![^\W_])(?P<name>{_TWO}),?\s(?:M\.?D|D\.?O|Ph\.?D|Esq(?:uire)?|R\.?N|N\.?P|P\.?A(?:-C)?|D\.?D\.?S|D\.?V\.?M|Pharm\.?D"
    r"|J\.?D|LL\.?M|C\.?P\.?A|MBBS|FACS|FRCP|LCSW|DPT|MSW|Psy\.?D)\.?(?![^\W_])"
)
_NOT_NAMES = re.compile(
    r"(?:The|This|That|These|Those|Any|All|Each|Such|Our|Your|His|Her|Their|My|No|None|Not|Section|Article"
    r"|Agreement|Company|Customer|Licensor|Licensee|Licensed|Licensing|Vendor|Supplier|Distributor|Capital|Software|Competitors?|Product|Products|Services?|Territory|Parent|Affiliates?|Committee|Board|Bank|Trust|Fund|Client|Party|Parties|Court|United|States"
    r"|University|Department|Hospital|Clinic|Medical|Center|Centre|Inc|LLC|Ltd|Corporation|Date|Name"
    r"|Phone|Email|Address|Title|Unknown|Sir|Madam|Team|Support|Judge|There|All|Everyone"
    r"|Mr|Mrs|Ms|Dr|Prof)(?![^\W_])"
)
MAX_NAMES = 200  # of one text, whose repetitions are looked for


def find_persons(text: str, languages: Languages) -> Iterator[Mark]:
    """Yield names after titles, labels and roles, and before degrees."""
    for pattern in (_TITLE, _LABEL, _ROLE, _DEAR, _SELF, _SELF_ONE, _DEGREE, _PARTY, _MAILBOX):
        for found in pattern.finditer(text):
            start, end = found.span("name")
            if languages.is_german(start, end):
                end = name_end(text, start, end)
            if end > start and _NOT_NAMES.match(found["name"]) is None:
                yield start, end, "person"


def find_again(text: str, names: Iterable[str], languages: Languages) -> Iterator[Mark]:
    """Yield the places where names found elsewhere in the text occur again, whole or as surname.

    A surname counts from four letters on, with its capital; in texts with German also with the
    ``s`` of its genitive.

    Cost: O(length times names), at most :data:`MAX_NAMES` names.
    """
    wanted: dict[str, None] = {}
    for name in names:
        parts = [part.strip(".,") for part in name.split()]
        if len(parts) > 1:
            wanted[" ".join(name.split())] = None
        if parts and len(parts[-1]) >= 4 and parts[-1][0].isupper():
            wanted[parts[-1]] = None
        if len(wanted) >= MAX_NAMES:
            break
    if not wanted:
        return
    longest = sorted(wanted, key=lambda name: (-len(name), name))
    pattern = "|".join(r"\s{1,3}".join(map(re.escape, name.split())) for name in longest)
    genitive = "s?" if languages.mostly_german else ""
    for found in re.finditer(rf"(?<![^\W_])(?:{pattern}){genitive}(?![^\W_])", text):
        yield found.start(), found.end(), "person"
