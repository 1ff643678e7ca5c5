"""How a biased adapter is made: axes, bias types, prompts, generators, mix, finetune, lab."""
