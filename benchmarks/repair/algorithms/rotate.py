"""Matrix spiral walks back over the last row, and the like."""


def rotate(matrix):
    """Turn a matrix clockwise."""
    height, width = len(matrix), len(matrix[0])
    turned = [[None] * height for _ in range(width)]
    for row in range(height):
        for column in range(width):
            turned[column][height - 1 - row] = matrix[row][column]
    return turned


# === tests ===
def test_square():
    assert rotate([[1, 2], [3, 4]]) == [[3, 1], [4, 2]]


def test_wide():
    assert rotate([[1, 2, 3]]) == [[1], [2], [3]]


def test_tall():
    assert rotate([[1], [2], [3]]) == [[3, 2, 1]]


# === bugs ===
# height - 1 - row => width - 1 - row
