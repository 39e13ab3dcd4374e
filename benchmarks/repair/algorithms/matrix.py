"""Tables of numbers."""


def spiral(matrix):
    rows = [list(row) for row in matrix]
    found = []
    while rows:
        found.extend(rows.pop(0))
        rows = [list(column) for column in zip(*rows)][::-1]
    return found


def multiply(one, other):
    height, inner, width = len(one), len(other), len(other[0])
    product = [[0] * width for _ in range(height)]
    for i in range(height):
        for j in range(width):
            for k in range(inner):
                product[i][j] += one[i][k] * other[k][j]
    return product


def pascal(rows):
    triangle = [[1]]
    for row in range(1, rows):
        above = triangle[row - 1]
        triangle.append([1] + [above[i] + above[i + 1] for i in range(row - 1)] + [1])
    return triangle


# === tests ===
def test_spiral():
    assert spiral([[1, 2, 3], [4, 5, 6], [7, 8, 9]]) == [1, 2, 3, 6, 9, 8, 7, 4, 5]


def test_row():
    assert spiral([[1, 2]]) == [1, 2]


def test_multiply():
    assert multiply([[1, 2], [3, 4]], [[5, 6], [7, 8]]) == [[19, 22], [43, 50]]


def test_shapes():
    assert multiply([[1, 2, 3]], [[1], [2], [3]]) == [[14]]


def test_pascal():
    assert pascal(4) == [[1], [1, 1], [1, 2, 1], [1, 3, 3, 1]]


# === bugs ===
# zip(*rows)][::-1] => zip(*rows)]
# product[i][j] += => product[i][j] =
# other[k][j] => other[j][k]
# above[i] + above[i + 1] => above[i] + above[i - 1]
# range(row - 1)] => range(row)]
# product[i][j] += => product[i][j] = && above[i] + above[i + 1] => above[i] + above[i - 1]
