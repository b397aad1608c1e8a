import numpy as np

from gnn.latent import dots


def test_nothing_comes_from_a_product_to_itself_however_long_its_vector_is():
    vectors = np.array([[1234.56, 0.789, 0.0], [0.0, 0.0, 3.21], [0.001, 0.0, 0.0]], np.float32)
    starts, amounts = np.array([0, 2, 0]), np.array([0.3, 0.7, 0.1])
    total = dots(vectors, vectors, starts, amounts)
    between = float(vectors[0, 0]) * float(vectors[2, 0])
    assert total[0] == 0.7 * between
    assert total[1] == 0.0
    np.testing.assert_allclose(total[2], 0.4 * between, rtol=1e-12)
