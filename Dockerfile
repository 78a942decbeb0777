# One image with both programs. The first stage builds; the second holds only what they need to run.
# SPDX-License-Identifier: Apache-2.0
FROM debian:12 AS build
RUN apt-get update && apt-get install -y --no-install-recommends \
      gcc libc6-dev cmake ninja-build pkg-config libmicrohttpd-dev libgnutls28-dev libpq-dev libjansson-dev \
      libsodium-dev zlib1g-dev libzstd-dev libcurl4-gnutls-dev nodejs npm ca-certificates \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /source
COPY dashboards/package.json dashboards/package-lock.json dashboards/
RUN npm ci --prefix dashboards --ignore-scripts --no-audit --no-fund
COPY CMakeLists.txt CMakePresets.json ./
COPY common common
COPY collector collector
COPY analyzer analyzer
COPY dashboards dashboards
COPY sql sql
COPY systemd systemd
RUN cmake --preset release -DBUILD_TESTING=OFF && cmake --build --preset release \
    && DESTDIR=/installed cmake --install build/release --strip

FROM debian:12-slim AS runtime
# curl is there for the health checks alone; psql for giving the roles their passwords (migrate).
RUN apt-get update && apt-get install -y --no-install-recommends \
      libmicrohttpd12 libgnutls30 libpq5 libjansson4 libsodium23 zlib1g libzstd1 libcurl3-gnutls tzdata \
      ca-certificates curl postgresql-client-15 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin epicenter
COPY --from=build /installed /
COPY LICENSE /usr/share/doc/epicenter/LICENSE
USER 10001
# 8420 collector, 8421 analyzer; which of the two a container is, its command says.
EXPOSE 8420 8421
CMD ["analyzer", "--help"]
