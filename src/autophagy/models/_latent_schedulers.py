"""Schedulers by name: which there are, what each can do, and diffusers' object for one."""

from __future__ import annotations

import inspect
import json
import math
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal

import numpy as np

from autophagy.core.errors import ConfigError, listed
from autophagy.core.settings import shown

Name = Literal[
    "checkpoint", "ddim", "ddpm", "pndm", "euler", "euler-ancestral", "dpm-solver++", "unipc", "lcm",
]  # fmt: skip
Spacing = Literal["checkpoint", "karras", "exponential"]
ALL = ("epsilon", "v_prediction", "sample")
NOISE = ("epsilon", "v_prediction")
BETAS = ("linear", "scaled_linear", "squaredcos_cap_v2")
LATENTS = {"clip_sample": False}  # which are no pixels, and go beyond −1 … 1
SPACINGS = ("linspace", "leading", "trailing")
SIGMAS = ("use_karras_sigmas", "use_exponential_sigmas", "use_beta_sigmas", "use_flow_sigmas")
ALGORITHMS = ("dpmsolver", "dpmsolver++", "sde-dpmsolver", "sde-dpmsolver++")
ENDLESS = ("dpmsolver", "sde-dpmsolver")  # which cannot end without noise
TROUBLE = (  # what diffusers answers settings with that it does not expect
    ValueError, TypeError, LookupError, ArithmeticError, RuntimeError, AttributeError, AssertionError,
)  # fmt: skip
MOST_LEVELS = 10_000  # noise levels that a checkpoint may ask for


@dataclass(frozen=True)
class Scheduler:
    """One of diffusers' classes.

    Attributes:
        class_name: its name there.
        predicts: the prediction types it can read.
        most: steps that it can take at most, where that is less than the noise levels.
        spaces: whether its noise levels can be chosen.
        own: settings that it has whatever the checkpoint says.
        unsaid: settings that it has where the checkpoint says nothing.
    """

    class_name: str
    predicts: tuple[str, ...] = ALL
    most: int | None = None
    spaces: bool = False
    own: Mapping[str, Any] = field(default_factory=dict)
    unsaid: Mapping[str, Any] = field(default_factory=dict)


SCHEDULERS: Mapping[str, Scheduler] = {
    "ddim": Scheduler("DDIMScheduler", unsaid=LATENTS),
    "ddpm": Scheduler("DDPMScheduler", unsaid=LATENTS),
    "pndm": Scheduler("PNDMScheduler", NOISE, own={"skip_prk_steps": True}),
    "euler": Scheduler("EulerDiscreteScheduler", spaces=True),
    "euler-ancestral": Scheduler("EulerAncestralDiscreteScheduler", NOISE),
    "dpm-solver++": Scheduler("DPMSolverMultistepScheduler", spaces=True, own={"algorithm_type": "dpmsolver++"}),
    "unipc": Scheduler("UniPCMultistepScheduler", spaces=True),
    "lcm": Scheduler("LCMScheduler", most=50),
}


def name_of(told: Mapping[str, Any]) -> str | None:
    """Our name of the class that a checkpoint's settings name; None for one that we do not know."""
    asked = told.get("_class_name")
    return next((name for name, one in SCHEDULERS.items() if one.class_name == asked), None)


def spaced(told: Mapping[str, Any], spacing: Spacing) -> Mapping[str, Any]:
    """A checkpoint's settings with noise levels as they are asked for."""
    if spacing == "checkpoint":
        return told
    return {**told, **dict.fromkeys(SIGMAS, False), f"use_{spacing}_sigmas": True}


def unfit(name: str, told: Mapping[str, Any], steps: int, spacing: Spacing = "checkpoint") -> str | None:
    """What keeps a scheduler from drawing with a checkpoint's settings, as the end of a sentence; None if nothing."""
    known = name_of(told) if name == "checkpoint" else name
    if known is None:
        own = shown(told.get("_class_name"))
        return f"the checkpoint's own scheduler is a {own}, which is not known here; say scheduler = one of {_names()}"
    one, prediction = SCHEDULERS[known], told.get("prediction_type", "epsilon")
    if prediction not in one.predicts:
        able = listed(other for other, each in SCHEDULERS.items() if prediction in each.predicts)
        return f"scheduler '{known}' cannot read prediction type {shown(prediction)}; those that can: {able}"
    if spacing != "checkpoint" and not one.spaces:
        able = listed(other for other, each in SCHEDULERS.items() if each.spaces)
        return f"scheduler '{known}' cannot have spacing = \"{spacing}\"; those that can: {able}"
    algorithm, last = told.get("algorithm_type"), told.get("final_sigmas_type", "zero")
    if name == "checkpoint" and known == "dpm-solver++" and algorithm in ENDLESS and last == "zero":
        return (
            f"the checkpoint's algorithm_type {shown(algorithm)} needs final_sigmas_type 'sigma_min'; name a scheduler"
        )
    levels = told.get("num_train_timesteps", 1000)
    most = min(one.most or levels, levels)
    if steps > most:
        return f"scheduler '{known}' takes at most {most} steps with this checkpoint, but sampling_steps = {steps}"
    return None


def steps_from(steps: int, strength: float) -> int:
    """Of the whole way, of which `strength` above 0 is gone; more than usual where the part would not be one step."""
    while int(steps * strength) < 1:
        steps = max(steps + 1, int(1 / strength))
    return steps


def fault(told: Mapping[str, Any]) -> str | None:
    """What no scheduler could do with these settings, as the end of a sentence; None if there is nothing."""
    levels, betas = told.get("num_train_timesteps", 1000), told.get("beta_schedule", "linear")
    if not isinstance(levels, int) or isinstance(levels, bool) or not 0 < levels <= MOST_LEVELS:
        return f"asks for {shown(levels)} noise levels, but there can be 1 to {MOST_LEVELS}"
    if told.get("prediction_type", "epsilon") not in ALL:
        return f"has prediction_type {shown(told.get('prediction_type'))}, but it can be {listed(ALL)}"
    if told.get("trained_betas") is None and betas not in BETAS:
        return f"has beta_schedule {shown(betas)}, but it can be {listed(BETAS)}"
    return _odd_noise(told, levels) or _odd_words(told)


def _odd_noise(told: Mapping[str, Any], levels: int) -> str | None:
    """What of the noise's size is no number that a scheduler could use."""
    trained = told.get("trained_betas")
    for name in ("beta_start", "beta_end"):
        if name in told and not _is_beta(told[name]):
            return f"has {name} = {shown(told[name])}, but it must be a number above 0 and below 1"
    if trained is not None and not (
        isinstance(trained, list) and len(trained) == levels and all(map(_is_beta, trained))
    ):
        return f"has trained_betas that are not {levels} numbers above 0 and below 1"
    return None


def _odd_words(told: Mapping[str, Any]) -> str | None:
    for name, known in (("timestep_spacing", SPACINGS), ("algorithm_type", ALGORITHMS)):
        if name in told and told[name] not in known:
            return f"has {name} {shown(told[name])}, but it can be {listed(known)}"
    both = [name for name in SIGMAS if told.get(name)]
    return f"has {' and '.join(both)}, of which there can be one" if len(both) > 1 else None


def _is_beta(value: object) -> bool:
    return isinstance(value, float) and 0 < value < 1


def made(name: str, told: Mapping[str, Any]) -> Any:
    """Diffusers' scheduler of that name with a checkpoint's settings."""
    import diffusers

    one = SCHEDULERS[(name_of(told) or "") if name == "checkpoint" else name]
    own = {} if name == "checkpoint" else one.own
    settings = {key: value for key, value in told.items() if not key.startswith("_")}
    with hushed():
        return getattr(diffusers, one.class_name).from_config({**one.unsaid, **settings, **own})


@contextmanager
def hushed() -> Iterator[None]:
    """Without what diffusers reports and warns of: what matters of it is an error of ours."""
    from diffusers.utils import logging

    log: Any = logging  # untyped
    verbosity = log.get_verbosity()
    log.set_verbosity(log.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        log.set_verbosity(verbosity)


def check(name: str, told: Mapping[str, Any], steps: int) -> None:
    """Raises ConfigError for what only diffusers knows to be wrong with a scheduler's settings: it goes all the way."""
    try:
        kept_variance(name, told, steps)
    except TROUBLE as problem:
        said = str(problem).strip().partition("\n")[0].rstrip(".") or type(problem).__name__
        raise ConfigError(
            f"the checkpoint's scheduler cannot be used: {said}; say scheduler = one of {_names()}."
        ) from None


def kept_variance(name: str, told: Mapping[str, Any], steps: int, spread: float = 1.0) -> float:
    """The share of N(0, spread²)'s variance that draws have whose network answers with the mean: the scheduler's doing.

    A distilled network, made for few steps, does not answer so. Exact for schedulers that add no noise and clip
    nothing, else of 16,384 numbers (a standard error of 1.1 %); NaN where a checkpoint's levels leave no number.
    """
    return _kept_variance(name, json.dumps(told, sort_keys=True), steps, spread)


@cache
def _kept_variance(name: str, table: str, steps: int, spread: float) -> float:
    import torch

    random, scheduler = torch.Generator().manual_seed(0), _of_a_pipeline(made(name, json.loads(table)))
    with hushed():
        scheduler.set_timesteps(steps)
        begun = torch.randn(256, 1, 8, 8, dtype=torch.float64, generator=random)
        x = begun / begun.square().mean().sqrt() * float(scheduler.init_noise_sigma)
        takes = inspect.signature(scheduler.step).parameters
        noise = {"generator": random} if "generator" in takes else {}
        for step, (signal, wrong) in zip(scheduler.timesteps, _levels(scheduler), strict=True):
            seen = scheduler.scale_model_input(x, step)
            whole = (signal * spread) ** 2 + wrong**2
            answers = {
                "epsilon": seen * (wrong / whole),
                "sample": seen * (signal * spread**2 / whole),
                "v_prediction": seen * (signal * wrong * (1 - spread**2) / whole),
            }
            x = scheduler.step(answers[scheduler.config.prediction_type], step, x, **noise).prev_sample.double()
    return float(x.square().mean()) / spread**2


def _of_a_pipeline(scheduler: Any) -> Any:
    """As diffusers' pipelines of Stable Diffusion turn it."""
    forced = {"clip_sample": False, "steps_offset": 1}
    known = {name: value for name, value in forced.items() if name in scheduler.config}
    with hushed():
        return type(scheduler).from_config({**scheduler.config, **known})


def _levels(scheduler: Any) -> list[tuple[float, float]]:
    """What is left of the image at every step of a draw, and how much noise there is: cosine and sine of one angle."""
    shares = scheduler.alphas_cumprod.double().clamp(0, 1).numpy()
    angles = np.arctan2(np.sqrt(1 - shares), np.sqrt(shares))
    found = np.interp(scheduler.timesteps.double().numpy(), np.arange(len(shares)), angles)
    return [(math.cos(angle), math.sin(angle)) for angle in found]


def trainer(told: Mapping[str, Any]) -> Any:
    """The forward process with a checkpoint's settings, which a fit adds noise by."""
    return made("ddpm", told)


def _names() -> str:
    return listed(SCHEDULERS)
