"""The page of proof, docs/proof.md: which builds failed, what envfix did, and that they build now."""


def page(trials, failures, tools, ready, seconds):
    return "to be written\n"


def tools(builders, trials, envfix):
    return []
