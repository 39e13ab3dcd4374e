"""Programs that drive the work: one module (or folder) each, all behind `domain.ports.Harness`."""
