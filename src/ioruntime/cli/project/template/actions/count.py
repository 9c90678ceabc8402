"""Counts the letters of a text."""


def main(args):
    text = args.get("text", "")
    print(f"counting {text!r}")
    return {"text": text, "letters": sum(character.isalpha() for character in text)}
