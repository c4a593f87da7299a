"""Cards of models and datasets: facts, answers, profiles, renderings, approval (spec §14.4).

* **fact**: a value that signed objects establish, with a name of a closed vocabulary.
* **statement**: a fact or an answer in a card, with its state and the objects it rests on.
* **profile**: the questions of a regulator or a reader, and the facts that answer them.
* **answer**: what a person answered to a question of a profile, in a signed attestation.
* **rendering**: a card as Markdown, HTML, PDF or for programs, drawn from its ``card.json``.

Example:
    >>> from lyrikstore.publish.cards.profiles.profile import load_profile
    >>> profile = load_profile("huggingface")
    >>> profile.name, profile.about, profile.questions["intended-use"].id
    ('huggingface', 'checkpoint', 'intended-use')
"""
