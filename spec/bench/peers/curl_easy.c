/* libcurl's easy interface: one request after the other on one connection, nothing decoded. */
#include "slice.h"

int main(int argc, char **argv) {
  slice load;
  transfer one;
  long index;
  slice_read(&load, argc, argv);
  slice_prepare(&load, &one);
  for (index = 0; index < load.warmup + load.count; index++) {
    if (index == load.warmup) slice_begin(&load);
    slice_check(&load, &one, curl_easy_perform(one.easy));
  }
  slice_end(&load);
  return 0;
}
