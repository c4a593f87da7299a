"""Filters that choose among records: a sample, a balance, what licences and opt-outs allow."""
