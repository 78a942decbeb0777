-- Regions and product lines as lists, so that a misspelt one is refused instead of counted apart.

create table region (
  region text primary key
);
comment on table region is 'The regions there are; none: any is taken. Customers of another are refused by an import.';
comment on column region.region is 'As customers and hosts name it.';

create table product_line (
  product_line text primary key
);
comment on table product_line is 'The product lines there are; none: any is taken. Seats and updates of another are refused by an import.';
comment on column product_line.product_line is 'As seats, updates and hosts name it.';

grant select, insert, delete on region, product_line to epicenter_analyzer;
grant select on region, product_line to epicenter_viewer;
