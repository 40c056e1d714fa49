"""Makes `tiny-sd` and `tiny-clip`, the checkpoints inside the package, from real handwriting and garments.

Needs Fashion-MNIST (Debian's dataset-fashion-mnist, or `--garments FOLDER`) and the development requirements:

    for stage in clip autoencoder denoiser check curves; do python -m tools.tiny_sd $stage; done

Every stage can be stopped and goes on with the same command. What comes out lies in `--out`, `build/` if left out.
"""
