# What does the collector say of itself? openapi.json as C bytes, with a name by its content:
#   cmake -D INPUT=openapi.json -D OUTPUT=description_text.c -P embed.cmake
# Not by the pages' build.mjs: the collector is built without node.
file(READ ${INPUT} bytes HEX)
file(SHA256 ${INPUT} hash)
string(SUBSTRING ${hash} 0 16 name)
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
string(REGEX REPLACE "(................................................................................)" "\\1\n" bytes "${bytes}")
file(WRITE ${OUTPUT} "/* Made by collector/embed.cmake; change openapi.json, not this. */
#include \"collector/description.h\"

const char description_etag[] = \"\\\"${name}\\\"\";
const unsigned char description_text[] = {
${bytes}
};
const size_t description_length = sizeof description_text;
")
