#!/bin/sh
# Debian builds some modules that the tests need for all its Luas but the newest. This builds them from Debian's
# sources, as root, in the chroot of test-debian: sh spec/support/debian_modules.sh LUA
# Two of them are written for Lua 5.4 at the latest, and differ in the names below alone; C23 is too new for the third.
set -eu
lua=$1
version=$("$lua" -e 'io.write(jit and "5.1" or _VERSION:match("%d+%.%d+"))')
to=/usr/local/lib/lua/$version
flags="-std=gnu17 -O2 -w -shared -fPIC -D_GNU_SOURCE -DCOMPAT53_PREFIX=compat53 -Isrc -Ivendor/compat53/c-api"
flags="$flags -include lualib.h -include lauxlib.h"

is_here() { "$lua" -e "require '$1'" 2>/dev/null; }

# from_source PACKAGE: unpacks it into a folder of its own, and goes there.
from_source() {
  cd "$(mktemp -d)"
  apt-get source -qq --download-only --tar-only "$1"
  tar xf "$1"_*.orig.tar.* --strip-components=1
}

# module NAME SOURCE… FLAG…
module() {
  name=$1
  shift
  gcc $flags $(pkg-config --cflags "$lua") -o "$to/$name.so" "$@"
  is_here "$name"
}

# Their parts in Lua are the same for every Lua.
for name in cqueues cqueues.lua openssl openssl.lua; do
  [ -e "/usr/share/lua/$version/$name" ] && continue
  mkdir -p "/usr/local/share/lua/$version"
  ln -sfn "/usr/share/lua/5.4/$name" "/usr/local/share/lua/$version/$name"
done

if is_here cjson && is_here openssl && is_here cqueues && is_here luv; then exit 0; fi
mkdir -p "$to"
sed 's/^deb /deb-src /' /etc/apt/sources.list > /etc/apt/sources.list.d/sources.list
apt-get update -qq
apt-get install -y -qq --no-install-recommends xz-utils m4 libuv1-dev >/dev/null

from_source lua-cjson
module cjson lua_cjson.c strbuf.c fpconv.c -lm

from_source lua-luaossl
module _openssl src/openssl.c -lssl -lcrypto -pthread -lm

from_source lua-luv
module luv src/luv.c $(pkg-config --cflags --libs libuv) -pthread

from_source lua-cqueues
cp config.h.guess src/config.h
(cd src; m4 errno.c.m4 > errno.c)
sed -i 's/LUA_VERSION_NUM > 504/LUA_VERSION_NUM > 505/' vendor/compat53/c-api/compat-5.3.h
module _cqueues src/*.c src/lib/notify.c src/lib/socket.c src/lib/dns.c -lssl -lcrypto -pthread -lm \
  '-DluaL_optint(L,n,d)=(int)luaL_optinteger(L,n,d)' '-DluaL_checkint(L,n)=(int)luaL_checkinteger(L,n)' \
  '-DluaL_optunsigned(L,n,d)=(unsigned)luaL_optinteger(L,n,d)' \
  '-DluaL_checkunsigned(L,n)=(unsigned)luaL_checkinteger(L,n)' '-Dlua_pushunsigned(L,n)=lua_pushinteger(L,n)'
