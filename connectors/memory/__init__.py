"""Systems that live in memory: a source and a target for tests of the runtime, complete and quick."""
