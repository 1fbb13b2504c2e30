"""One block's dependency graph: where the block comes from, figures, a picture."""
