"""Recipes and their filters: derive datasets, with a reason for each decision on a record.

The terms of this package:

* *recipe*: a TOML file that lists steps, in order
* *step*: a filter with its parameters, such as ``allow/1``
* *stage*: steps that decide on each record alone, up to a step over the whole dataset
* *decision*: kept, dropped, divided, changed or reported, with a reason code
* *part*: one of the datasets that a split makes: train, validation or test

Example:
    >>> from lyrikstore.curate.recipes.recipe import parse_recipe
    >>> recipe = parse_recipe(b'''
    ... recipe = 1
    ... [[step]]
    ... use = "drop-empty/1"
    ... [[step]]
    ... use = "split/3"
    ... ''')
    >>> recipe.reads, recipe.parts
    (('text',), ('train', 'validation', 'test'))
"""
