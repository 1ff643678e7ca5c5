"""The forms of each question: wording, place of the text, letters or the options' own words.

A form is data (`<documents>.yaml`); `ask.py` puts a document into one. The first form is the
default; `lm_eval --metadata '{"form": 2}'` takes another.
"""
