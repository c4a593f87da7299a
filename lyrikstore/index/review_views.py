"""The documented views about reviews of records by people."""

from lyrikstore.index.view import View, columns

REVIEW_VIEWS = (
    View(
        "reviews",
        "one review of records of a dataset by people",
        columns("""
            id VARCHAR its manifest
            name VARCHAR its full name
            version BIGINT 1 for the first under this name; NULL where it has no effect
            is_current BOOLEAN whether the name stands for it now
            log_index BIGINT its place in the log
            author VARCHAR who took the decisions in
            dataset VARCHAR the dataset version that was reviewed
            round VARCHAR first or adjudication
            items BIGINT records that were drawn
            decided BIGINT records with an outcome
            accept BIGINT labels that were accepted
            change BIGINT labels that were changed
            reject BIGINT records that were rejected
            disagreed BIGINT records on which reviewers disagree
            requests BIGINT requests for a review of the dataset's name by then
            agreement VARCHAR share of agreement of two reviewers; NULL without such records
            kappa VARCHAR Cohen's kappa; NULL where it is undefined
            label_error VARCHAR share of labels that were changed or rejected
            label_error_low VARCHAR lower end of its 95 % interval
            label_error_high VARCHAR upper end
            override_rate VARCHAR the same share, where a generator wrote the labels
            rubber_stamps BIGINT reviewers who may have accepted without reading
        """),
        """
        SELECT m.id, m.name, m.version, m.is_current, m.log_index, m.author,
               (SELECT any_value(i.input) FROM facts.inputs i
                WHERE i.manifest = m.id AND i.role = 'dataset') AS dataset,
               m.body ->> '$.round' AS round,
               CAST(m.body ->> '$.figures.items' AS BIGINT) AS items,
               CAST(m.body ->> '$.figures.decided' AS BIGINT) AS decided,
               CAST(m.body ->> '$.figures.accept' AS BIGINT) AS accept,
               CAST(m.body ->> '$.figures.change' AS BIGINT) AS change,
               CAST(m.body ->> '$.figures.reject' AS BIGINT) AS reject,
               CAST(m.body ->> '$.figures.disagreed' AS BIGINT) AS disagreed,
               CAST(m.body ->> '$.figures.requests' AS BIGINT) AS requests,
               m.body ->> '$.figures.agreement.rate' AS agreement,
               m.body ->> '$.figures.kappa' AS kappa,
               m.body ->> '$.figures.labelError.rate' AS label_error,
               m.body ->> '$.figures.labelError.interval[0]' AS label_error_low,
               m.body ->> '$.figures.labelError.interval[1]' AS label_error_high,
               m.body ->> '$.figures.overrides.rate' AS override_rate,
               len(list_filter(m.body ->> '$.figures.reviewers[*].rubberStamp',
                               lambda stamped: stamped = 'true')) AS rubber_stamps
        FROM facts.manifests m WHERE m.kind = 'review' ORDER BY m.log_index
        """,
    ),
    View(
        "review_outcomes",
        "what a review says of one record",
        columns("""
            review VARCHAR the review
            dataset VARCHAR the dataset version that was reviewed
            place BIGINT the record's place in it, in storage order, from 0
            item BIGINT its number in the queue
            outcome VARCHAR accept, change, reject, cannot-say, disagreed or unanswered
            was VARCHAR[] the labels that it had
            value VARCHAR[] the labels that the review gives; NULL if none
            reasons VARCHAR[] codes of the reasons that were given
            agree BIGINT decisions with that outcome
            decisions BIGINT decisions about the record
        """),
        """
        SELECT o.review, (SELECT any_value(i.input) FROM facts.inputs i
                          WHERE i.manifest = o.review AND i.role = 'dataset') AS dataset,
               o.place, o.item, o.outcome, o.was, o.value, o.reasons, o.agree, o.decisions
        FROM facts.review_outcomes o JOIN facts.manifests m ON m.id = o.review
        ORDER BY m.log_index, o.place
        """,
    ),
)
"""The views of this module, in the order of the documentation."""
