"""The documented views about runs, checkpoints, evaluations, and decisions of rules."""

from lyrikstore.index.view import View, columns

MODEL_VIEWS = (
    View(
        "runs",
        "one pre-registered training run",
        columns("""
            id VARCHAR its manifest
            name VARCHAR its full name
            version BIGINT 1 for the first under this name; NULL where it has no effect
            log_index BIGINT its place in the log
            author VARCHAR who started it
            purpose VARCHAR what the data is used for
            seed BIGINT seed of every random choice
            code VARCHAR version of the training code
            config VARCHAR the configuration, JSON
            checkpoints BIGINT checkpoints that name this run
        """),
        """
        SELECT m.id, m.name, m.version, m.log_index, m.author, m.body ->> '$.purpose' AS purpose,
               CAST(m.body ->> '$.seed' AS BIGINT) AS seed,
               m.body ->> '$.code.version' AS code,
               CAST(m.body -> '$.config' AS VARCHAR) AS config,
               (SELECT count(*) FROM facts.inputs i WHERE i.input = m.id AND i.role = 'run')
                   AS checkpoints
        FROM facts.manifests m WHERE m.kind = 'run' ORDER BY m.log_index
        """,
    ),
    View(
        "checkpoints",
        "one version of model weights",
        columns("""
            id VARCHAR its manifest
            name VARCHAR its full name
            version BIGINT 1 for the first under this name; NULL where it has no effect
            is_current BOOLEAN whether the name stands for it now
            log_index BIGINT its place in the log
            origin VARCHAR trained or imported
            format VARCHAR such as peft-lora/1
            task VARCHAR what it does
            step BIGINT training step it was taken at
            final BOOLEAN whether it is the last of its run
            run VARCHAR the run that made it
            base VARCHAR the checkpoint it starts from
            metrics VARCHAR what training reported, JSON
            rights VARCHAR rights as asserted by whoever imported it
            tree VARCHAR id of its tree
        """),
        """
        SELECT m.id, m.name, m.version, m.is_current, m.log_index, m.body ->> '$.origin' AS origin,
               m.body ->> '$.format' AS format, m.body ->> '$.task' AS task,
               CAST(m.body ->> '$.step' AS BIGINT) AS step,
               CAST(m.body ->> '$.final' AS BOOLEAN) AS final,
               (SELECT any_value(i.input) FROM facts.inputs i
                WHERE i.manifest = m.id AND i.role = 'run') AS run,
               (SELECT any_value(i.input) FROM facts.inputs i
                WHERE i.manifest = m.id AND i.role = 'base') AS base,
               CAST(m.body -> '$.metrics' AS VARCHAR) AS metrics,
               m.body ->> '$.rights.asserted' AS rights, m.tree
        FROM facts.manifests m WHERE m.kind = 'checkpoint' ORDER BY m.log_index
        """,
    ),
    View(
        "evaluations",
        "one evaluation of a checkpoint next to its baselines",
        columns("""
            id VARCHAR its manifest
            name VARCHAR its full name
            log_index BIGINT its place in the log
            author VARCHAR who signed it
            checkpoint VARCHAR what was evaluated
            test VARCHAR the dataset it was evaluated on
            purpose VARCHAR monitor, of data that came after the run; NULL: of a locked test set
            period VARCHAR which time its data is of, of a monitor; NULL: nobody says
            drift VARCHAR what a monitor found: ok, drift, insufficient or history
            records BIGINT records in it
            overlap BIGINT of these, records that are also in the training data
            accuracy DOUBLE of the checkpoint
            accuracy_low DOUBLE lower end of its confidence interval
            accuracy_high DOUBLE upper end
            micro_f1 DOUBLE of the checkpoint, where records may have several labels
            macro_f1 DOUBLE of the checkpoint
            verdict VARCHAR what the interval of the first comparison shows; NULL: it has none
            baseline VARCHAR method of the baseline
            baseline_accuracy DOUBLE of the baseline
            baseline_macro_f1 DOUBLE of the baseline
            majority_accuracy DOUBLE of always answering the commonest label
            latency_p50_ms DOUBLE median time for one record, milliseconds
            latency_p95_ms DOUBLE 95th percentile, milliseconds
            cpu_seconds DOUBLE processor time of the checkpoint's answers
            peak_memory_bytes BIGINT most memory used
        """),
        """
        SELECT m.id, m.name, m.log_index, m.author,
               (SELECT any_value(i.input) FROM facts.inputs i
                WHERE i.manifest = m.id AND i.role = 'checkpoint') AS checkpoint,
               (SELECT any_value(i.input) FROM facts.inputs i
                WHERE i.manifest = m.id AND i.role = 'test') AS test,
               m.body ->> '$.purpose' AS purpose, m.body ->> '$.period' AS period,
               m.body ->> '$.drift.verdict' AS drift,
               CAST(m.body ->> '$.count' AS BIGINT) AS records,
               CAST(m.body ->> '$.overlap.exact' AS BIGINT) AS overlap,
               CAST(m.body ->> '$.model.accuracy.value' AS DOUBLE) AS accuracy,
               CAST(m.body ->> '$.model.accuracy.low' AS DOUBLE) AS accuracy_low,
               CAST(m.body ->> '$.model.accuracy.high' AS DOUBLE) AS accuracy_high,
               CAST(m.body ->> '$.model.measures.microF1.value' AS DOUBLE) AS micro_f1,
               CAST(m.body ->> '$.model.macroF1.value' AS DOUBLE) AS macro_f1,
               CASE WHEN m.body ->> '$.comparisons[0].difference.low' IS NOT NULL
                    THEN m.body ->> '$.comparisons[0].verdict' END AS verdict,
               m.body ->> '$.baseline.method' AS baseline,
               CAST(m.body ->> '$.baseline.accuracy.value' AS DOUBLE) AS baseline_accuracy,
               CAST(m.body ->> '$.baseline.macroF1.value' AS DOUBLE) AS baseline_macro_f1,
               CAST(m.body ->> '$.majority.accuracy.value' AS DOUBLE) AS majority_accuracy,
               CAST(m.body ->> '$.model.latencyMs.p50' AS DOUBLE) AS latency_p50_ms,
               CAST(m.body ->> '$.model.latencyMs.p95' AS DOUBLE) AS latency_p95_ms,
               CAST(m.body ->> '$.model.cpuSeconds' AS DOUBLE) AS cpu_seconds,
               CAST(m.body ->> '$.model.peakMemoryBytes' AS BIGINT) AS peak_memory_bytes
        FROM facts.manifests m WHERE m.kind = 'evaluation' ORDER BY m.log_index
        """,
    ),
    View(
        "reproductions",
        "one time that a run was done again",
        columns("""
            id VARCHAR its manifest
            name VARCHAR its full name
            version BIGINT 1 for the first under this name; NULL where it has no effect
            log_index BIGINT its place in the log
            author VARCHAR who signed it
            run VARCHAR the run that was done again
            method VARCHAR whole-run/1 or segments/1
            verdict VARCHAR match, within-tolerance, mismatch or inconclusive
            reasons VARCHAR why a difference decides nothing, JSON
            by_trainer BOOLEAN whether the same key signed the run
        """),
        """
        SELECT m.id, m.name, m.version, m.log_index, m.author, r.id AS run,
               m.body ->> '$.method' AS method, m.body ->> '$.verdict' AS verdict,
               CAST(m.body -> '$.reasons' AS VARCHAR) AS reasons, m.author = r.author AS by_trainer
        FROM facts.manifests m
        LEFT JOIN facts.inputs i ON i.manifest = m.id AND i.role = 'run'
        LEFT JOIN facts.manifests r ON r.id = i.input
        WHERE m.kind = 'reproduction' ORDER BY m.log_index
        """,
    ),
    View(
        "deployments",
        "one folder that a model was deployed to",
        columns("""
            id VARCHAR its manifest
            name VARCHAR its full name
            version BIGINT 1 for the first under this name; NULL where it has no effect
            log_index BIGINT its place in the log
            author VARCHAR who signed it
            checkpoint VARCHAR the checkpoint
            card VARCHAR the signed card that is its README; NULL where that is a draft
            target VARCHAR what it was deployed to, such as onnx
            quantization VARCHAR none, or how weights were rounded
            card_status VARCHAR what the card was then; NULL without one
            rights VARCHAR how the check of the rights ended then
            retired BOOLEAN whether its files need not be there any more
        """),
        """
        SELECT m.id, m.name, m.version, m.log_index, m.author, i.input AS checkpoint,
               c.input AS card, m.body ->> '$.target' AS target,
               m.body ->> '$.quantization' AS quantization,
               m.body ->> '$.cardStatus' AS card_status, m.body ->> '$.rights.state' AS rights,
               m.retired
        FROM facts.manifests m
        LEFT JOIN facts.inputs i ON i.manifest = m.id AND i.role = 'checkpoint'
        LEFT JOIN facts.inputs c ON c.manifest = m.id AND c.role = 'card'
        WHERE m.kind = 'deployment' ORDER BY m.log_index
        """,
    ),
    View(
        "scores",
        "one measured number of an evaluation",
        columns("""
            evaluation VARCHAR the evaluation
            system VARCHAR model, baseline or majority
            label VARCHAR the class it is about; NULL where it is about all
            metric VARCHAR accuracy, subsetAccuracy, microF1, macroF1, precision, recall or f1
            value DOUBLE the number
            low DOUBLE lower end of its confidence interval
            high DOUBLE upper end
            support BIGINT records of that class in the test data
        """),
        """
        SELECT evaluation, system, label, metric, CAST(value AS DOUBLE) AS value,
               CAST(low AS DOUBLE) AS low, CAST(high AS DOUBLE) AS high, support
        FROM facts.scores ORDER BY rowid
        """,
    ),
    View(
        "rule_decisions",
        "one decision of the rules of a namespace about a use",
        columns("""
            id VARCHAR its manifest
            name VARCHAR its full name
            log_index BIGINT its place in the log
            author VARCHAR who signed it
            action VARCHAR train, evaluate or deploy
            answer VARCHAR permit or permit-by-waiver
            resources BIGINT partitions and models that were decided
            lifted VARCHAR[] rules that waivers lifted
        """),
        """
        SELECT id, name, log_index, author, body ->> '$.action' AS action,
               body ->> '$.answer' AS answer, CAST(body ->> '$.resources' AS BIGINT) AS resources,
               coalesce(body ->> '$.lifted[*].rule', []) AS lifted
        FROM facts.manifests WHERE kind = 'decision' ORDER BY log_index
        """,
    ),
    View(
        "waivers",
        "one waiver of a rule",
        columns("""
            id VARCHAR its manifest
            name VARCHAR its full name
            is_current BOOLEAN whether the name stands for it now
            log_index BIGINT its place in the log
            author VARCHAR who signed it
            rule VARCHAR the rule that it lifts
            about VARCHAR the dataset or checkpoint for which it lifts it
            until VARCHAR its last day
            reason VARCHAR why
            liable VARCHAR who answers for it
            decisions BIGINT decisions that name it
        """),
        """
        SELECT m.id, m.name, m.is_current, m.log_index, m.author, m.body ->> '$.rule' AS rule,
               (SELECT any_value(i.input) FROM facts.inputs i
                WHERE i.manifest = m.id AND i.kind <> 'rules') AS about,
               m.body ->> '$.until' AS until, m.body ->> '$.reason' AS reason,
               m.body ->> '$.liable' AS liable,
               (SELECT count(*) FROM facts.inputs i WHERE i.input = m.id AND i.kind = 'waiver')
                   AS decisions
        FROM facts.manifests m WHERE m.kind = 'waiver' ORDER BY m.log_index
        """,
    ),
)
"""The views of this module, in the order of the documentation."""

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
