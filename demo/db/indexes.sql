CREATE INDEX orders_made_at ON orders (made_at);
