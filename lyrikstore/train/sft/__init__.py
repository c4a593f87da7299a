"""Prompts of generative models: rendered in an isolated process, and copied (spec §13.12).

* Conversation: messages with roles; the last one is the answer.
* Chat template: the Jinja program of a base model that renders a conversation.
* Prompt: the rendered text before the answer.
* Completion: the rendered answer, with the token that ends it.
* Choices: the only answers that a model is trained on and gives, if the config lists them.

Example:
    >>> from lyrikstore.train.requirements import PromptConfig
    >>> from lyrikstore.train.sft.prompts import PromptSource
    >>> source = PromptSource("", "", "</s>", (), PromptConfig(template="Q: {prompt}"))
    >>> source.turns("Who?", "Ada")[0]["content"]
    'Q: Who?'
"""
