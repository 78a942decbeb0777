-- What more is known of customers: the language they speak and what a stop of their hosts means.

alter table customer
  add column language    text,
  add column criticality text check (criticality in ('low', 'normal', 'high', 'critical'));
comment on column customer.language is 'BCP 47, such as ja or pt-BR; null: unknown.';
comment on column customer.criticality is 'What a stop of its hosts means to the customer; null: unknown, taken for normal.';
