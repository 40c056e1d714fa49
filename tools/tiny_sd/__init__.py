"""Makes `tiny-sd` and `tiny-clip`, the checkpoints inside the package, from real handwriting and garments.

Needs Fashion-MNIST (Debian's dataset-fashion-mnist, or `--garments FOLDER`) and the development requirements:

    python -m tools.tiny_sd tokenizer && python -m tools.tiny_sd clip && python -m tools.tiny_sd autoencoder
    python -m tools.tiny_sd denoiser && python -m tools.tiny_sd check

Every stage can be stopped and goes on with the same command. What comes out lies in `--out`, `build/` if left out.
"""
