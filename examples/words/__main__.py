"""Count words; an action of several files."""

from counting import count


def main(params):
    text = params.get("text", "to be or not to be")
    print("counting", len(text), "characters")
    return {"words": count(text)}
