#include "histogram.hpp"

#include <cmath>

namespace bench {

std::chrono::nanoseconds Histogram::percentile(double share) const noexcept {
  const double wanted = std::ceil(share * static_cast<double>(count_));
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < buckets_.size(); ++i) {
    seen += buckets_[i];
    if (buckets_[i] > 0 && static_cast<double>(seen) >= wanted) {
      return std::chrono::nanoseconds(static_cast<std::int64_t>(middle(i)));
    }
  }
  return std::chrono::nanoseconds(0);
}

}  // namespace bench
