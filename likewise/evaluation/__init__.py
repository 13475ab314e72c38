"""What `evaluating` measures, a kind of figure each: distances in, figures with intervals out."""
