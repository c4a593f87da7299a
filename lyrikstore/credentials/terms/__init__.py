"""Terms of use: what a holder of data may do, must do, and where, until when (spec/19-terms.md)."""
