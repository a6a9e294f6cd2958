#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <netinet/in.h>
#include <linux/io_uring.h>
static double cpu(){struct timespec t;clock_gettime(CLOCK_THREAD_CPUTIME_ID,&t);return t.tv_sec*1e9+t.tv_nsec;}
#define N 1000
int rx[N],tx[N];struct sockaddr_in to[N];char buf[182];
static int mk(struct sockaddr_in*a){int s=socket(AF_INET,SOCK_DGRAM|SOCK_NONBLOCK,0);struct sockaddr_in b={.sin_family=AF_INET,.sin_addr.s_addr=htonl(0x7f000001)};bind(s,(void*)&b,sizeof b);if(a){socklen_t l=sizeof*a;getsockname(s,(void*)a,&l);}return s;}
static long drain(){long n=0;char b[2048];for(int i=0;i<N;i++)while(recv(rx[i],b,sizeof b,MSG_DONTWAIT)>0)n++;return n;}
struct ring{int fd;unsigned*sh,*st,*sm,*sa,*ch,*ct,*cm;struct io_uring_sqe*sqe;struct io_uring_cqe*cqe;};
static int ring_init(struct ring*r,unsigned n,unsigned flags){struct io_uring_params p={0};p.flags=flags;r->fd=syscall(__NR_io_uring_setup,n,&p);if(r->fd<0){perror("uring");return -1;}
 char*q=mmap(0,p.sq_off.array+p.sq_entries*4,3,MAP_SHARED|MAP_POPULATE,r->fd,IORING_OFF_SQ_RING);char*c=mmap(0,p.cq_off.cqes+p.cq_entries*16,3,MAP_SHARED|MAP_POPULATE,r->fd,IORING_OFF_CQ_RING);
 r->sqe=mmap(0,p.sq_entries*64,3,MAP_SHARED|MAP_POPULATE,r->fd,IORING_OFF_SQES);
 r->sh=(void*)(q+p.sq_off.head);r->st=(void*)(q+p.sq_off.tail);r->sm=(void*)(q+p.sq_off.ring_mask);r->sa=(void*)(q+p.sq_off.array);
 r->ch=(void*)(c+p.cq_off.head);r->ct=(void*)(c+p.cq_off.tail);r->cm=(void*)(c+p.cq_off.ring_mask);r->cqe=(void*)(c+p.cq_off.cqes);return 0;}
int main(){struct rlimit rl={20000,20000};setrlimit(RLIMIT_NOFILE,&rl);
 for(int i=0;i<N;i++){rx[i]=mk(&to[i]);tx[i]=mk(0);}
 struct ring r,r2; if(ring_init(&r,1024,IORING_SETUP_SINGLE_ISSUER|IORING_SETUP_DEFER_TASKRUN))return 1;
 if(syscall(__NR_io_uring_register,r.fd,IORING_REGISTER_FILES,tx,N)<0)perror("reg");
 struct mmsghdr mm[N];struct iovec iv={buf,sizeof buf};memset(mm,0,sizeof mm);
 for(int i=0;i<N;i++){mm[i].msg_hdr.msg_iov=&iv;mm[i].msg_hdr.msg_iovlen=1;mm[i].msg_hdr.msg_name=&to[i];mm[i].msg_hdr.msg_namelen=sizeof to[i];}

#include <sys/epoll.h>
 int ep=epoll_create1(0);for(int i=0;i<N;i++){struct epoll_event e={.events=EPOLLIN,.data.u32=i};epoll_ctl(ep,EPOLL_CTL_ADD,rx[i],&e);}
 static struct epoll_event ev[4096];static char b[8][2048];struct sockaddr_in6 from[8];struct iovec v[8];struct mmsghdr rm[8];memset(rm,0,sizeof rm);
 for(int i=0;i<8;i++){v[i].iov_base=b[i];v[i].iov_len=2048;rm[i].msg_hdr.msg_iov=&v[i];rm[i].msg_hdr.msg_iovlen=1;rm[i].msg_hdr.msg_name=&from[i];}
 double sum[6]={0};long got[6]={0};const char*name[]={"epoll+recvfrom until EAGAIN","epoll+recvmmsg(8)","epoll+recvfrom once","recvfrom no epoll","epoll+recvmmsg(2)"};
 int R=200;for(int k=0;k<R;k++)for(int m=0;m<5;m++){for(int i=0;i<N;i++)sendto(tx[i],buf,sizeof buf,MSG_DONTWAIT,(void*)&to[i],sizeof to[i]);
 double t=cpu();
 if(m==3){for(int i=0;i<N;i++){socklen_t l=sizeof from[0];if(recvfrom(rx[i],b[0],2048,MSG_DONTWAIT,(void*)&from[0],&l)>0)got[m]++;}}
 else{int n=epoll_wait(ep,ev,4096,0);for(int i=0;i<n;i++){int s=rx[ev[i].data.u32];
  if(m==0||m==2){for(;;){socklen_t l=sizeof from[0];if(recvfrom(s,b[0],2048,MSG_DONTWAIT|MSG_TRUNC,(void*)&from[0],&l)<=0)break;got[m]++;if(m==2)break;}}
  else{int c=m==1?8:2;for(int j=0;j<c;j++){rm[j].msg_hdr.msg_namelen=28;}int g=recvmmsg(s,rm,c,MSG_DONTWAIT,0);if(g>0)got[m]+=g;}}}
 double d=cpu()-t;if(k>=20)sum[m]+=d;drain();}
 for(int m=0;m<5;m++)printf("%-30s %.0f ns/packet, got %ld of %d\n",name[m],sum[m]/(R-20)/N,got[m],R*N);}
