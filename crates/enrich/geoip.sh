#!/bin/sh
# Fetches tables of places from the npm registry, as packages that hold data only, and makes ours of them. Nothing of it comes into the clone.
#
#   geoip.sh SKYWARDEN [FOLDER]     the program; a folder to keep packages in
#
# Countries: by the registries and announced networks, CC0. Networks: Route Views, DB-IP and the registries, CC BY 4.0: to be named where places are shown.
set -eu
skywarden=$1
folder=${2:-${XDG_CACHE_HOME:-$HOME/.cache}/skywarden/geoip}
version=2.3.2026061719
date=2026-06-17
mkdir -p "$folder"
work=$(mktemp -d "$folder/work.XXXXXX")
trap 'rm -rf "$work"' EXIT

fetch() { # name, SHA-256
    package=$folder/ip-location-db-$1-$version.tgz
    if [ ! -f "$package" ]; then
        command -v npm >/dev/null || { echo "npm is needed to fetch tables of places" >&2; exit 1; }
        (cd "$work" && npm pack --silent --ignore-scripts "@ip-location-db/$1@$version" >/dev/null) ||
            { echo "the npm registry has no @ip-location-db/$1 $version, or cannot be reached: addresses stay without places" >&2; exit 1; }
        mv "$work/ip-location-db-$1-$version.tgz" "$package"
    fi
    echo "$2  $package" | sha256sum --check --quiet - || { rm -f "$package"; echo "$package is not what it was when it was chosen" >&2; exit 1; }
    tar -xzf "$package" -C "$work" --no-same-owner --wildcards 'package/*-ipv[46].csv'
}

fetch geo-whois-asn-country 2a3e609015884c93c2d398e777ce1d2d34cab026054c43559bff32b25669f606
fetch asn b9425daf2f011c28f8586685d4f89166e77627e2c15fd93c6262c3e2dead6153
"$skywarden" geoip make \
    --countries "$work/package/geo-whois-asn-country-ipv4.csv" --countries "$work/package/geo-whois-asn-country-ipv6.csv" \
    --networks "$work/package/asn-ipv4.csv" --networks "$work/package/asn-ipv6.csv" \
    --name "ip-location-db geo-whois-asn-country and asn" --date "$date" \
    --attribution "Networks: Route Views (routeviews.org), IP Geolocation by DB-IP (https://db-ip.com) and NRO (nro.net), CC BY 4.0. Countries: ip-location-db, CC0." \
    --out "$folder/places"
