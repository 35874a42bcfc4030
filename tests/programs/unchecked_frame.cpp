#include "unchecked_frame.hpp"

std::string use_unchecked_frame() {
  volatile char frame[300000];
  frame[0] = 'x';
  return std::string(1, frame[0]);
}
