"""Reviews: a product is rated as its published reviews rate it, and who judges here was sent it."""

from app.operations.breaches import Broken

RATED = Broken(
    12,
    "rating_unlike_reviews",
    "prd",
    "it shows {rating} of {rating_count}; its published reviews make {mean} of {count}",
    """
    SELECT p.id AS subject, p.rating, p.rating_count, coalesce(r.mean, 0) AS mean,
        coalesce(r.count, 0) AS count
    FROM products p LEFT JOIN (
        SELECT product_id, count(*) AS count, round(avg(rating), 2) AS mean
        FROM reviews WHERE status = 'published' GROUP BY product_id
    ) r ON r.product_id = p.id
    WHERE p.rating_count <> coalesce(r.count, 0) OR p.rating <> coalesce(r.mean, 0)
    ORDER BY p.id
    """,
)
BOUGHT = Broken(
    12,
    "review_without_purchase",
    "rev",
    "its order holds no unit of the product for its author",
    """
    SELECT r.id AS subject FROM reviews r
    WHERE r.order_id IS NOT NULL AND NOT EXISTS (
        SELECT FROM orders o
        JOIN order_items i ON i.order_id = o.id
        JOIN skus s ON s.id = i.sku_id
        WHERE o.id = r.order_id AND s.product_id = r.product_id
          AND coalesce(o.user_id, r.user_id) = r.user_id
    )
    ORDER BY r.id
    """,
)

REVIEWS = (RATED, BOUGHT)
