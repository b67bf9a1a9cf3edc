"""An evaluation in the sense of CPMAI: a plan settled beforehand, what runs came to, and the recommendation that
follows."""
