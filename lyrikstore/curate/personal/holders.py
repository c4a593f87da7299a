"""Search for copyright holders in copyright lines and the lines after them, in linear time.

Normative text: spec §12.5.5. No text makes the search quadratic: a megabyte of ``copyright`` costs
as much as a megabyte of prose.
"""

import re
from collections.abc import Iterable, Iterator

Span = tuple[int, int]
"""Start and end in code points, end exclusive."""

_MARK = re.compile(
    r"(?:copyright(?:s|ed)?|copr\.?|\u00a9|&copy;|\(c\)(?=[\s,:]*(?:\d{4}|\[?<?\(?[xy{]{2})))"
    r"(?P<more>(?:[\s:,.*-]{0,8}(?:\(c\)|\u00a9|&copy;|copyright(?![^\W_])|c(?=\s+\d{4}))"
    r"|\snotice:?(?=\s*[(\d]))*)"
    r"(?P<years>[\s,;:.&/\d\u2010-\u2015(_-]*\)?)",
    re.IGNORECASE,
)
_YEAR = re.compile(r"(?<!\d)(?:19|20)[\d_]{1,2}")
_TEMPLATE_YEAR = re.compile(
    r"[\s,]*[\[<({]{1,2}\s?(?:yyyy|year|years|dates?|yy)[^\])>}\n]{0,40}[\])>}]{1,2}[\s,]*",
    re.IGNORECASE,
)
_PRESENT = re.compile(r"(?:present|now|today|onwards?)(?![^\W_])[\s,.]*", re.IGNORECASE)
_BY = re.compile(r"(?:(?:is |are )?(?:held |owned |reserved )?by(?![^\W_]):?\s+)", re.IGNORECASE)
_LINE_START = re.compile(
    r"[\W_]{0,80}(?:\d{1,3}\.\s*)?(?:(?:required )?notice:\s*)?(?:portions? )?(?:\(c\)\s*)?",
    re.IGNORECASE,
)
_STOP = re.compile(
    r"[\s,.;(\u2013-]*(?:"
    r"all rights? (?:are )?reserved|some rights reserved|no rights reserved"
    r"|\(?(?:see|under|released|licen[sc]ed|distributed|published) (?:under|by|the|in|at|below)"
    r")"
    r"|(?<=[\w)>\"'])\.\s+(?=(?:permission|redistribution|this|these|the (?!regents)|you|your"
    r"|everyone|licen[sc]ed|released|see|for|use|in|any|no|it|portions? of|all|written|unless"
    r"|under|if|verbatim|distributed|do|as|by using|subject|a copy|please|some|except|it's|that"
    r"|author|made|used|may|and)(?![^\W_]))",
    re.IGNORECASE,
)
_NOT_A_NAME = re.compile(
    r"(?:holders?|holder's|notices?|owners?|licen[sc]es?|licensors?|licensees?|acts?|laws?"
    r"|treat(?:y|ies)|statements?|information|infring\w*|protect\w*|polic(?:y|ies)|rights?"
    r"|interests?|claims?|and|or|in|is|to|on|of|the above|which|that|as|status|subject|term"
    r"|works?|office|agent|permission|permissions|patents?|trademarks?|assign\w*|ownership"
    r"|legends?|lines?|texts?|marks?|symbols?|material|materials|disclaimers?|for|with|from"
    r"|doctrine|exceptions?|exemption|exhaustion|enforc\w*|years?|date|contribut\w*|grants?"
    r"|conditions?|agreements?|and/or|are|was|may|shall|under|resides?|belongs?|remains?"
    r"|will|can|if|be|has|have|laws|only|file|files|data|retained|reserved|however|header"
    r"|headers|label|labels|warning|when|where|tag|tags|not|must|exists?|at|it|its|this"
    r"|directive|regulation|code|statutes?|legislation|disputes?|section|ordinance)(?![^\W_])",
    re.IGNORECASE,
)
_PLACEHOLDER = re.compile(r"<[A-Z]+(?:-[A-Z]+)*>")
_ADDRESS = re.compile(r"[<({\[@]|https?:|www\.|\s-\s|\d{2,}")
_BETWEEN = re.compile(
    r",\s+(?!(?:inc|ltd|llc|l\.l\.c|corp|co|gmbh|s\.a|s\.r\.l|jr|sr|ii|iii|plc|n\.v|b\.v|a\.s|ag)"
    r"(?![^\W_]))|;\s*|\s+(?:and|&|und|et)\s+|\n",
    re.IGNORECASE,
)
_ARTICLE = re.compile(r"^(?:the|by|and|of)\s+", re.IGNORECASE)
_COMMON_WORDS = (
    "authors author others contributors contributor its their various individual several company "
    "organization organisation owner licensor software foundation institute university regents "
    "permission copyright portions rights your you yourname name my project group corporation "
    "library source license licence version public document"
)
_COMMON = frozenset(_COMMON_WORDS.split())
_LEAD = re.compile(r"[\s*#/;|%.\"'-]*(?:(?:and|&)\s+)?", re.IGNORECASE)
_YEARS_LEAD = re.compile(r"[\s*#/;|%.\"'-]*(?:(?:19|20)\d\d[\s,;\u2013-]*)*")
_SENTENCE = re.compile(
    r"(?:permission|redistribution|this|these|you|everyone|licen[sc]ed|released|see|use|any|it"
    r"|unless|if|verbatim|all|the (?:above|following|software|author))(?![^\W_])",
    re.IGNORECASE,
)

MAX_HOLDER = 160
"""Largest number of code points of one holder."""

MAX_LINES = 3
"""Number of lines after a copyright mark in which a list of holders may continue."""

MAX_NAMES = 1000
"""Number of names per text whose repetitions are searched; each costs a pass over the text."""


def find_holders(text: str) -> Iterator[Span]:
    """Yield the places of holders in copyright lines, without the years and marks."""
    lines = text.splitlines(keepends=True)
    offset = 0
    carried: tuple[int, bool] | None = None  # lines left, whether the name may begin here
    for line in lines:
        body = line.rstrip("\r\n\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029")
        if carried is not None:
            span = _continued(body, begins=carried[1])
            if span is not None:
                yield offset + span[0], offset + span[1]
                more = _goes_on(body, span[1])
                carried = (carried[0] - 1, False) if more and carried[0] > 1 else None
                if _MARK.search(body, span[1]) is None:
                    offset += len(line)
                    continue
            carried = None
        place = 0
        while (mark := _MARK.search(body, place)) is not None:
            span = _holder(body, mark)
            place = max(mark.end(), span[1] if span is not None else 0)
            if span is None:
                continue
            if span[0] == span[1]:
                carried = (MAX_LINES, True)
                continue
            yield offset + span[0], offset + span[1]
            carried = (MAX_LINES, False) if _goes_on(body, span[1]) else None
        offset += len(line)


def find_repeats(text: str, holders: Iterable[Span]) -> Iterator[Span]:
    """Yield the places where the holders of ``holders`` are mentioned again in the same text.

    A name is searched without its address, and only if it has seven letters or two words; case and
    line breaks inside it do not matter.

    Cost: O(length times names), at most :data:`MAX_NAMES` names.
    """
    names: dict[str, str] = {}
    for name in (name for start, end in holders for name in _names(text[start:end])):
        names.setdefault(name.casefold(), name)
        if len(names) == MAX_NAMES:
            break
    if not names:
        return
    longest_first = sorted(names.values(), key=lambda name: (-len(name), name))
    pattern = "|".join(r"\s{1,40}".join(map(re.escape, name.split())) for name in longest_first)
    for found in re.finditer(rf"(?<![^\W_])(?:{pattern})(?![^\W_])", text, re.IGNORECASE):
        yield found.span()


def _names(holder: str) -> Iterator[str]:
    bare = _ADDRESS.split(holder, maxsplit=1)[0]
    for part in _BETWEEN.split(bare):
        name = _ARTICLE.sub("", part).strip(" \t\r\n,.;:*-\"'")
        words = name.split()
        if (
            words
            and name[0].isalnum()
            and len(name) <= MAX_HOLDER
            and (len(words) > 1 or len(name) >= 7 or (name.isupper() and len(name) >= 4))
            and words[0].casefold() not in _COMMON
            and name.casefold() not in _COMMON
            and _NOT_A_NAME.match(name) is None
        ):
            yield name


def _holder(line: str, mark: re.Match[str]) -> Span | None:
    """Return the holder's place after a mark; empty if the name must be on the next line."""
    start = mark.end()
    dated = _YEAR.search(mark["years"]) is not None
    symbol = bool(mark["more"]) or mark[0][0] in "\u00a9&("
    template = _TEMPLATE_YEAR.match(line, start)
    if template is not None:
        dated, start = True, template.end()
    present = _PRESENT.match(line, start)
    if dated and present is not None:
        start = present.end()
    by = _BY.match(line, start)
    if by is not None:
        start = by.end()
    if not (dated or symbol or by is not None):
        # Without a year or sign only "Copyright Some Name" alone on its line is a notice.
        if not _stands_alone(line, mark):
            return None
    elif _NOT_A_NAME.match(line, start) and not (dated and symbol):
        return None
    return _until_stop(line, start)


def _stands_alone(line: str, mark: re.Match[str]) -> bool:
    start = mark.end()
    lead = _LINE_START.match(line)
    return (
        lead is not None
        and lead.end() == mark.start()
        and line[mark.start()] == "C"
        and not mark["years"].strip(" \t,:")
        and len(line) - start <= 80
        and start < len(line)
        and (line[start].isupper() or line[start] in "<[{")
        and _NOT_A_NAME.match(line, start) is None
    )


def _until_stop(line: str, start: int) -> Span:
    stop = _STOP.search(line, start, start + MAX_HOLDER + 40)
    end = stop.start() if stop is not None else len(line)
    if end > start + MAX_HOLDER:
        cut = line.rfind(" ", start, start + MAX_HOLDER)
        end = cut if cut > start else start + MAX_HOLDER
    next_mark = _MARK.search(line, start, end)
    if (
        next_mark is not None
        and next_mark.start() > start
        and (next_mark["more"] or _YEAR.search(next_mark["years"]))
    ):
        end = next_mark.start()
    return _strip(line, start, end)


def _strip(line: str, start: int, end: int) -> Span:
    while start < end and (line[start].isspace() or line[start] in "*#/;,:-|\"'."):
        start += 1
    while end > start and (line[end - 1].isspace() or line[end - 1] in "*#/;,:-|\"'."):
        end -= 1
    if _PLACEHOLDER.fullmatch(line, start, end):
        return start, start
    return start, end


def _continued(line: str, *, begins: bool) -> Span | None:
    lead = (_YEARS_LEAD if begins else _LEAD).match(line)
    start = lead.end() if lead is not None else 0
    if start >= len(line) or len(line) - start > 100 or _MARK.match(line, start):
        return None
    by = _BY.match(line, start)
    if by is not None:
        start = by.end()
    first = line[start : start + 1]
    if not (first.isupper() or first in "<[{") or _STOP.match(line, start):
        return None
    if _NOT_A_NAME.match(line, start) or (begins and _SENTENCE.match(line, start)):
        return None
    span = _until_stop(line, start)
    return span if span[1] > span[0] else None


def _goes_on(line: str, end: int) -> bool:
    tail = line[end : end + 4].strip()
    return tail == "," or line[max(0, end - 4) : end].lower().endswith((" and", " &", " by"))
