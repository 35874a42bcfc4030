#pragma once
// Latencies in logarithmic buckets: any number of them in fixed memory, each percentile within 1.6%.

#include <array>
#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace bench {

class Histogram {
 public:
  void add(std::chrono::nanoseconds value) noexcept {
    ++buckets_[bucket(static_cast<std::uint64_t>(value.count() < 0 ? 0 : value.count()))];
    ++count_;
  }

  void clear() noexcept { *this = {}; }
  std::uint64_t count() const noexcept { return count_; }

  /// @returns the least value that a share of all, 0.99 for p99, does not exceed; 0 when there are none.
  std::chrono::nanoseconds percentile(double share) const noexcept;

 private:
  // Each power of two has 64 buckets of equal width; below 64 each value has its own.
  static constexpr unsigned kBits = 6;
  static constexpr std::size_t kBuckets = (64 - kBits + 1) << kBits;

  static constexpr std::size_t bucket(std::uint64_t value) noexcept {
    const auto width = static_cast<unsigned>(std::bit_width(value));
    const unsigned shift = width > kBits + 1 ? width - kBits - 1 : 0;
    return (static_cast<std::size_t>(shift) << kBits) + static_cast<std::size_t>(value >> shift);
  }

  static constexpr std::uint64_t middle(std::size_t index) noexcept {
    const std::size_t row = index >> kBits;
    const std::size_t shift = row > 1 ? row - 1 : 0;
    const std::uint64_t low = static_cast<std::uint64_t>(index - (shift << kBits)) << shift;
    return low + (std::uint64_t{1} << shift) / 2;
  }

  std::array<std::uint64_t, kBuckets> buckets_{};
  std::uint64_t count_ = 0;
};

}  // namespace bench
