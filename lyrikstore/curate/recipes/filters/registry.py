"""The built-in filters by name and version; a change of behaviour gets a new version number.

User documentation: docs/recipes.md; byte-exact rules: spec §12.5.
"""

from collections.abc import Mapping

from lyrikstore.curate.recipes.filters.allow import Allow
from lyrikstore.curate.recipes.filters.contract import Filter
from lyrikstore.curate.recipes.filters.documents.chunk import Chunks, ChunksWithParent
from lyrikstore.curate.recipes.filters.documents.extract_text import (
    ExtractText,
    ExtractTextWithParent,
)
from lyrikstore.curate.recipes.filters.duplicates.first import DropDuplicates
from lyrikstore.curate.recipes.filters.duplicates.near import NearDuplicates
from lyrikstore.curate.recipes.filters.duplicates.overlap import Decontaminate
from lyrikstore.curate.recipes.filters.duplicates.richest import KeepRichestDuplicate
from lyrikstore.curate.recipes.filters.empty import DropEmpty
from lyrikstore.curate.recipes.filters.fields.map import MapFields
from lyrikstore.curate.recipes.filters.fields.reviewed import Reviewed
from lyrikstore.curate.recipes.filters.fields.where import Where
from lyrikstore.curate.recipes.filters.partition import PartitionRows
from lyrikstore.curate.recipes.filters.personal.drop import DropPersonal
from lyrikstore.curate.recipes.filters.personal.redact import RedactTyped
from lyrikstore.curate.recipes.filters.personal.redact_3 import RedactRecords
from lyrikstore.curate.recipes.filters.personal.scan import ScanPersonal
from lyrikstore.curate.recipes.filters.redact import Redact
from lyrikstore.curate.recipes.filters.select.balance import Balance
from lyrikstore.curate.recipes.filters.select.language import KeepLanguages
from lyrikstore.curate.recipes.filters.select.licence import LicenceFilter
from lyrikstore.curate.recipes.filters.select.opt_out import OptOut
from lyrikstore.curate.recipes.filters.select.quality import Quality
from lyrikstore.curate.recipes.filters.select.sample import Sample
from lyrikstore.curate.recipes.filters.split import Split
from lyrikstore.curate.recipes.filters.split_2 import SplitByField
from lyrikstore.curate.recipes.filters.split_3 import SplitGroups
from lyrikstore.curate.recipes.filters.union import Union

FILTERS: Mapping[str, type[Filter]] = {
    "drop-empty/1": DropEmpty,
    "drop-duplicates/1": DropDuplicates,
    "drop-duplicates/2": KeepRichestDuplicate,
    "near-duplicates/1": NearDuplicates,
    "decontaminate/1": Decontaminate,
    "allow/1": Allow,
    "where/1": Where,
    "map/1": MapFields,
    "reviewed/1": Reviewed,
    "redact/1": Redact,
    "redact/2": RedactTyped,
    "redact/3": RedactRecords,
    "scan/1": ScanPersonal,
    "drop-personal/1": DropPersonal,
    "sample/1": Sample,
    "balance/1": Balance,
    "licence/1": LicenceFilter,
    "opt-out/1": OptOut,
    "language/1": KeepLanguages,
    "quality/1": Quality,
    "split/1": Split,
    "split/2": SplitByField,
    "split/3": SplitGroups,
    "partition/1": PartitionRows,
    "union/1": Union,
    "extract-text/1": ExtractTextWithParent,
    "extract-text/2": ExtractText,
    "chunk/1": ChunksWithParent,
    "chunk/2": Chunks,
}
