CREATE TABLE orders (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  customer text NOT NULL,
  made_at timestamptz NOT NULL DEFAULT now()
);
INSERT INTO orders (customer) SELECT 'customer ' || n FROM generate_series(1, 1000) AS n;
