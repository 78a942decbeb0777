-- Who the customers are, what they have, which updates are out, and what support costs.

create table customer (
  customer_id    text primary key,
  name           text not null,
  kind           text not null check (kind in ('consumer', 'corporate')),
  region         text not null,
  country        text not null,
  time_zone      text not null,
  tier           text not null,
  partner        text,
  contract_value bigint,
  currency       text,
  renewal_on     date
);
comment on table customer is 'Who owns hosts.';
comment on column customer.customer_id is 'The customer''s id in the vendor''s own systems; what tokens carry.';
comment on column customer.name is 'Name to show.';
comment on column customer.kind is 'consumer or corporate.';
comment on column customer.region is 'Region the customer is counted in.';
comment on column customer.country is 'ISO 3166-1 alpha-2.';
comment on column customer.time_zone is 'IANA zone, such as Asia/Tokyo.';
comment on column customer.tier is 'Support tier, such as premium or standard.';
comment on column customer.partner is 'Channel partner who supports the customer; null: we do.';
comment on column customer.contract_value is 'Yearly contract value in minor units of currency.';
comment on column customer.currency is 'ISO 4217.';
comment on column customer.renewal_on is 'Next renewal.';

create table seat (
  customer_id  text    not null,
  product_line text    not null,
  seats        integer not null check (seats >= 0),
  primary key (customer_id, product_line)
);
comment on table seat is 'Seats a customer has bought, reporting or not.';
comment on column seat.customer_id is 'The customer.';
comment on column seat.product_line is 'The product line.';
comment on column seat.seats is 'Number of seats.';

create table update_release (
  update_id    text primary key,
  product_line text,
  released_at  timestamptz,
  withdrawn_at timestamptz
);
comment on table update_release is 'Updates the vendor has registered. One that only hosts name is a candidate all the same.';
comment on column update_release.update_id is 'Id as hosts report it.';
comment on column update_release.product_line is 'Product line it belongs to; null: several.';
comment on column update_release.released_at is 'When it went live.';
comment on column update_release.withdrawn_at is 'When it was withdrawn; null: it is out.';

create table cost_parameter (
  name   text primary key,
  low    double precision not null,
  likely double precision not null,
  high   double precision not null,
  unit   text not null,
  source text not null,
  dated  date not null,
  check (low <= likely and likely <= high)
);
comment on table cost_parameter is 'What the cost estimate stands on, each a range (PERT). Defaults are written by analyzer migrate and never overwrite an edit.';
comment on column cost_parameter.name is 'The parameter.';
comment on column cost_parameter.low is 'Lowest credible value.';
comment on column cost_parameter.likely is 'Most likely value.';
comment on column cost_parameter.high is 'Highest credible value.';
comment on column cost_parameter.unit is 'Unit of the three.';
comment on column cost_parameter.source is 'Where the figures come from.';
comment on column cost_parameter.dated is 'Date of the source or of the edit.';
