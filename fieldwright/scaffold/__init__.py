"""Templates of the files that `interpret init` writes: data, no code. `FILES` in the command says which goes where."""
