"""A model server that plays a written scenario in three protocols, with faults on demand: for tests and rehearsals."""
