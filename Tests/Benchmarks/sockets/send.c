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
int rx[N],tx[N];struct sockaddr_in to[N];char buf[186];
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
 double sum[6]={0};long got[6]={0};const char*name[]={"sendmmsg one socket","sendto many","uring fixed many","uring many plain","sendto one","connected send many"};
 int cx[N];for(int i=0;i<N;i++){cx[i]=mk(0);connect(cx[i],(void*)&to[i],sizeof to[i]);}
 int R=200;for(int k=0;k<R;k++)for(int m=0;m<6;m++){double t=cpu();
  if(m==0){for(int o=0;o<N;){int n=sendmmsg(tx[0],mm+o,N-o,MSG_DONTWAIT);if(n<=0)break;o+=n;}}
  else if(m==1)for(int i=0;i<N;i++)sendto(tx[i],buf,sizeof buf,MSG_DONTWAIT,(void*)&to[i],sizeof to[i]);
  else if(m==4)for(int i=0;i<N;i++)sendto(tx[0],buf,sizeof buf,MSG_DONTWAIT,(void*)&to[i],sizeof to[i]);
  else if(m==5)for(int i=0;i<N;i++)send(cx[i],buf,sizeof buf,MSG_DONTWAIT);
  else{unsigned tail=*r.st;for(int i=0;i<N;i++){struct io_uring_sqe*s=&r.sqe[tail&*r.sm];memset(s,0,64);s->opcode=IORING_OP_SEND;s->fd=m==2?i:tx[i];s->flags=(m==2?IOSQE_FIXED_FILE:0)|IOSQE_CQE_SKIP_SUCCESS;s->addr=(unsigned long)buf;s->len=sizeof buf;s->msg_flags=MSG_DONTWAIT;s->addr2=(unsigned long)&to[i];s->addr_len=sizeof to[i];r.sa[tail&*r.sm]=tail&*r.sm;tail++;}
   __atomic_store_n(r.st,tail,__ATOMIC_RELEASE);int n=syscall(__NR_io_uring_enter,r.fd,N,0,0,0,0);if(n!=N)printf("enter %d\n",n);
   unsigned h=*r.ch;while(h!=__atomic_load_n(r.ct,__ATOMIC_ACQUIRE)){if(k==0)printf("cqe %d\n",r.cqe[h&*r.cm].res);h++;}__atomic_store_n(r.ch,h,__ATOMIC_RELEASE);}
  double d=cpu()-t;if(k>=20)sum[m]+=d;got[m]+=drain();}
 for(int m=0;m<6;m++)printf("%-22s %.0f ns/packet, got %ld of %d\n",name[m],sum[m]/(R-20)/N,got[m],R*N);}
