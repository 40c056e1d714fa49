"""The experiment that `autophagy new` writes."""

TEMPLATE = """\
# An experiment for autophagy: arms × seeds × generations.
#
#   autophagy plan THIS.toml                     what every generation will eat, and what theory expects
#   autophagy run THIS.toml --profile smoke      everything once, in seconds
#   autophagy run THIS.toml                      the experiment; stop it when you like, the same command goes on
#   autophagy list                               every source, model, loop, curator, encoder and metric there is

seeds = [0, 1, 2]          # one lineage of every arm for each; arms are compared seed by seed
generations = 8            # generation 0, the founder, learns from real data alone; this is the last one's number
keep_models = "last"       # which fitted models stay on disk: "last", "all" or "none"
keep_samples = "all"       # likewise for samples; numbers always stay

# What all arms share. An arm below says only what differs.
[base]
source = "mnist"           # real data; with settings: source = { use = "mnist", caption = "the digit {label}" }
model = "eigen-mixture"    # fitted anew in every generation
real = 1000                # real images each lineage begins with
samples = 1000             # images each generation draws
bias = 1.0                 # λ in (0, 1]: below 1, quality is bought with diversity
metrics = [
  { use = "frechet", encoder = "lenet" },
  "class-balance",
]
# start = "scratch"        # or "previous", "founder": the weights each fit begins with, for models that can go on
# curators = ["dedupe"]    # take samples away before anybody learns from them
# refill = "shrink"        # or "redraw", "repeat": what makes up for the samples that were taken away

# One treatment each. The names are yours.
[arms.closed]              # each generation learns only from the one before
loop = "fully-synthetic"

[arms.anchored]            # the same real images, again and again, beside the last generation's
loop = "synthetic-augmentation"

[arms.half]                # as many images as before, half of them real
loop = { use = "fixed-share", synthetic = 0.5 }

[arms.rescued]             # three generations like `closed` (computed once for both), then real data only
loop = [{ use = "fully-synthetic", generations = 3 }, { use = "real-only" }]

# The same experiment on other scales: autophagy run THIS.toml --profile smoke
[profiles.smoke]
seeds = [0]
generations = 4
[profiles.smoke.base]
real = 300
samples = 300
"""
