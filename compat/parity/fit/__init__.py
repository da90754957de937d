"""Finds the conventions under which recorded answers are what they are.

`result.find_conventions` calls the steps in this order:

1. `inputs`: captures become records, and the conversations that they could count are fetched.
2. `candidates`: the conventions to try.
3. `evaluate`: each candidate is counted again for each record.
4. `likelihood`: records refute candidates, or make them more or less likely.
5. `disambiguate`: requests whose answers would decide between the candidates that remain.
6. `result`: what was found.
"""
