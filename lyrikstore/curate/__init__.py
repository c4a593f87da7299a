"""Floor 6: from folders and sheets to signed, explainable dataset versions.

``commit_folder`` takes a snapshot, ``folder_statuses`` says what one would change, ``apply_recipe``
derives filtered versions with a reason for every record, ``why`` explains one record,
``check_rights`` answers whether a purpose is allowed.
May import floors 0 to 5, pyarrow and openpyxl; never prints, never reads the environment.
"""
