/*
 * The parts of CUDA that gpu-bench calls, as the shared libraries export them: run time and cuBLAS, and for the stencil
 * NVRTC and the driver's library. No toolkit is needed to build. Names of members are the libraries'.
 */
#ifndef GPU_BENCH_CUDA_API_H
#define GPU_BENCH_CUDA_API_H

#include <stddef.h>
#include <stdint.h>

typedef struct cublasContext *cublasHandle_t;
typedef struct _nvrtcProgram *nvrtcProgram;
typedef struct CUmod_st *CUmodule;
typedef struct CUfunc_st *CUfunction;

#define CUDART_FUNCTIONS(F)                                                                                           \
	F(int, cudaGetDeviceCount, (int *))                                                                           \
	F(int, cudaSetDevice, (int))                                                                                  \
	F(int, cudaGetDeviceProperties, (void *, int))                                                                \
	F(int, cudaDeviceGetAttribute, (int *, int, int))                                                             \
	F(int, cudaDriverGetVersion, (int *))                                                                         \
	F(int, cudaRuntimeGetVersion, (int *))                                                                        \
	F(int, cudaMemGetInfo, (size_t *, size_t *))                                                                  \
	F(int, cudaMalloc, (void **, size_t))                                                                         \
	F(int, cudaFree, (void *))                                                                                    \
	F(int, cudaMemset, (void *, int, size_t))                                                                     \
	F(int, cudaMemcpy, (void *, const void *, size_t, int))                                                       \
	F(int, cudaDeviceSynchronize, (void))                                                                         \
	F(const char *, cudaGetErrorString, (int))

#define CUBLAS_FUNCTIONS(F)                                                                                           \
	F(int, cublasCreate_v2, (cublasHandle_t *))                                                                   \
	F(int, cublasDestroy_v2, (cublasHandle_t))                                                                    \
	F(int, cublasSgemm_v2, (cublasHandle_t, int, int, int, int, int, const float *, const float *, int, const float *, int, const float *, float *, int))

#define NVRTC_FUNCTIONS(F)                                                                                            \
	F(int, nvrtcCreateProgram, (nvrtcProgram *, const char *, const char *, int, const char *const *, const char *const *)) \
	F(int, nvrtcCompileProgram, (nvrtcProgram, int, const char *const *))                                         \
	F(int, nvrtcGetPTXSize, (nvrtcProgram, size_t *))                                                             \
	F(int, nvrtcGetPTX, (nvrtcProgram, char *))                                                                   \
	F(int, nvrtcGetProgramLogSize, (nvrtcProgram, size_t *))                                                      \
	F(int, nvrtcGetProgramLog, (nvrtcProgram, char *))                                                            \
	F(int, nvrtcDestroyProgram, (nvrtcProgram *))                                                                 \
	F(const char *, nvrtcGetErrorString, (int))

#define CUDA_DRIVER_FUNCTIONS(F)                                                                                      \
	F(int, cuModuleLoadData, (CUmodule *, const void *))                                                          \
	F(int, cuModuleUnload, (CUmodule))                                                                            \
	F(int, cuModuleGetFunction, (CUfunction *, CUmodule, const char *))                                           \
	F(int, cuLaunchKernel, (CUfunction, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, void *, void **, void **))

#define CUDA_MEMBER(result, name, arguments) result (*name) arguments;
struct cudart_api { CUDART_FUNCTIONS(CUDA_MEMBER) };
struct cublas_api { CUBLAS_FUNCTIONS(CUDA_MEMBER) };
struct nvrtc_api { NVRTC_FUNCTIONS(CUDA_MEMBER) };
struct cuda_driver_api { CUDA_DRIVER_FUNCTIONS(CUDA_MEMBER) };
#undef CUDA_MEMBER

enum {
	CUDA_MEMCPY_HOST_TO_DEVICE = 1,
	CUDA_MEMCPY_DEVICE_TO_HOST = 2,
	CUDA_ATTRIBUTE_CAPABILITY_MAJOR = 75,
	CUDA_ATTRIBUTE_CAPABILITY_MINOR = 76,
	CUBLAS_OP_AS_IT_IS = 0,
};

/* Beyond any release's cudaDeviceProp, which begins with the device's name and grows with each. */
#define CUDA_PROPERTIES_ROOM 16384u
#define CUDA_NAME_BYTES 256u

#endif
