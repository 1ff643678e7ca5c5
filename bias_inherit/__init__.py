"""bias-inherit: measure, make and guard against bias inheritance.

The suite follows the experiment of arXiv 2502.04419 (Understanding and Mitigating Bias
Inheritance in LLM-based Data Augmentation on Downstream Tasks). Importing this package
is cheap; torch, transformers and lm-eval are imported by the rooms that need them.
"""

from importlib.metadata import version

__version__ = version("bias-inherit")
__all__ = ["__version__"]
