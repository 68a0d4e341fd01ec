--- `make bench-frames`: the rows about frames alone.
require("spec.bench.rows.frames")(require("spec.bench.report").new())
