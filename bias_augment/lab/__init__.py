"""The lab: a tiny base model that makes the whole line run offline on two cores."""
