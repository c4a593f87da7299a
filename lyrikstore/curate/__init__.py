"""Datasets: from folders, sheets and recipes to signed, explainable versions.

``commit_folder`` takes a snapshot, ``folder_statuses`` says what one would change, ``apply_recipe``
derives filtered versions with a reason for every record, ``why`` explains one record,
``check_rights`` answers whether a purpose is allowed.
Imports ``verify`` and what lies below it, pyarrow and openpyxl.
"""
