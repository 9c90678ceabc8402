# Answers with JSON too deep to be read.
# expect: contained
def main(args):
    value = []
    for _ in range(900):
        value = [value]
    return {"breaches": [], "deep": value}
